"""What persons allow goes to the columnar store."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.domain.fact import consent_key
from services.segment.usecases.stage_facts import stage_of_workspaces
from services.segment.usecases.stage_traits import TraitFact


async def handle(tx: Tx, events: list[ConsentChanged], runtime: Runtime[Any]) -> None:
    """Stage what is said and touch the persons."""
    await stage_of_workspaces(tx, [(event.workspace_id, fact_of(event)) for event in events], runtime)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


async def handle_again(tx: Tx, events: list[ConsentChanged], runtime: Runtime[Any]) -> None:
    """Stage it for a columnar store that is being rebuilt: nobody is asked again because of it."""
    await stage_of_workspaces(tx, [(event.workspace_id, fact_of(event)) for event in events], runtime, is_news=False)


def fact_of(event: ConsentChanged) -> TraitFact:
    """Return it as it is kept; `unknown` says nothing, now and later."""
    said: dict[str, str] = {"state": event.state, "after": event.after}
    if event.until is not None:
        said["until"] = event.until.isoformat()
    return TraitFact(
        kind="consent",
        person_no=event.person_no,
        name=consent_key(event.purpose, event.channel, event.topic),
        value=None if event.state == "unknown" else said,
        version=event.version,
        since=event.occurred_at,
        received_at=event.received_at,
        event_id=event.id,
        silent=event.silent,
    )


subscription = Subscription(
    contract=ConsentChanged, handle=handle, again=handle_again, again_within="columnar", name="on_consent_changed"
)
