"""A person asked to be forgotten: his runs end and keep nothing of him."""

from datetime import datetime
from uuid import UUID

from libs.common import outbox
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.journey.run_forgotten import RunForgotten
from libs.common.db import Tx
from libs.common.erasure import forget_dead_letters
from services.journey.store.person_moves import erase_person
from services.journey.store.redirects import disown_persons

NOBODY = UUID(int=0)


async def forget_person(tx: Tx, event: PersonErased, *, now: datetime) -> None:
    """End the runs, delete the rest, let what still comes under his numbers be nobody's, and say that it is done."""
    workspace_id = event.workspace_id
    numbers = sorted({event.person_no, *event.retired_nos})
    counts = await erase_person(tx, workspace_id=workspace_id, person_nos=numbers, now=now)
    await disown_persons(tx, workspace_id, numbers, NOBODY, event.graph_version)
    counts["dead_letter"] = await forget_dead_letters(
        tx, workspace_id, person_nos=numbers, subject_nos=event.subject_nos
    )
    await outbox.add(
        tx,
        RunForgotten(
            workspace_id=workspace_id, person_no=event.person_no, received_at=event.received_at, occurred_at=now,
            erasure_id=event.erasure_id, deleted=counts,
        ),
    )  # fmt: skip
