"""On which channels persons have a usable address goes to the columnar store."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.contact_changed import ContactChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.stage_facts import stage_of_workspaces
from services.segment.usecases.stage_traits import TraitFact


async def handle(tx: Tx, events: list[ContactChanged], runtime: Runtime[Any]) -> None:
    """Stage what is said and touch the persons."""
    await stage_of_workspaces(tx, [(event.workspace_id, _fact(event)) for event in events], runtime)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[ContactChanged], runtime: Runtime[Any]) -> None:
    """Stage it for a columnar store that is being rebuilt: nobody is asked again because of it."""
    await stage_of_workspaces(tx, [(event.workspace_id, _fact(event)) for event in events], runtime, is_news=False)


def _fact(event: ContactChanged) -> TraitFact:
    return TraitFact(
        kind="reachable",
        person_no=event.person_no,
        name=event.channel,
        value=True if event.usable else None,
        version=event.version,
        since=event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        silent=event.silent,
    )


subscription = Subscription(
    contract=ContactChanged, handle=handle, again=handle_again, again_within="columnar", name="on_contact_changed"
)
