"""Erased persons leave everything."""

from typing import Any

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.erasure import forget_dead_letters
from libs.common.runtime import Runtime
from services.segment.store.persons import hold_to_change
from services.segment.usecases.erase_person import erase_person


async def handle(tx: Tx, events: list[PersonErased], runtime: Runtime[Any]) -> None:
    """Take them out of the universe now; the columnar rows follow in the next round."""
    whom = ((event.workspace_id, who) for event in events for who in (event.person_no, *event.retired_nos))
    await hold_to_change(tx, whom)
    for event in events:
        await erase_person(
            tx,
            workspace_id=event.workspace_id,
            person_no=event.person_no,
            person_id=event.person_id,
            subject_nos=event.subject_nos,
            version=event.graph_version,
            event_id=event.id,
            received_at=event.received_at,
            erasure_id=event.erasure_id,
            retired_nos=event.retired_nos,
        )
        await forget_dead_letters(
            tx,
            event.workspace_id,
            person_nos=(event.person_no, *event.retired_nos),
            subject_nos=event.subject_nos,
        )
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


subscription = Subscription(contract=PersonErased, handle=handle, name="on_person_erased")
