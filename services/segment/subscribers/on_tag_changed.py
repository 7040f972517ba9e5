"""Persons' tags go to the columnar store."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.tag_changed import TagChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.stage_facts import stage_of_workspaces
from services.segment.usecases.stage_traits import TraitFact


async def handle(tx: Tx, events: list[TagChanged], runtime: Runtime[Any]) -> None:
    """Stage what is said and touch the persons."""
    await stage_of_workspaces(tx, [(event.workspace_id, fact_of(event)) for event in events], runtime)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[TagChanged], runtime: Runtime[Any]) -> None:
    """Stage it for a columnar store that is being rebuilt: nobody is asked again because of it."""
    await stage_of_workspaces(tx, [(event.workspace_id, fact_of(event)) for event in events], runtime, is_news=False)


def fact_of(event: TagChanged) -> TraitFact:
    """Return it as it is kept."""
    said: dict[str, object] = {"source": event.source}
    if event.until is not None:
        said["until"] = event.until.isoformat()
    return TraitFact(
        kind="tag",
        person_no=event.person_no,
        name=event.tag,
        value=said if event.held else None,
        version=event.version,
        since=event.since or event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        silent=event.silent,
    )


subscription = Subscription(
    contract=TagChanged, handle=handle, again=handle_again, again_within="columnar", name="on_tag_changed"
)
