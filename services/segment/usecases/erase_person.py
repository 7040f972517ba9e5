"""An erasure: out of the universe now, out of the columnar store in the next round."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.domain.fact import ANONYMITY
from services.segment.store import owners, persons, spans
from services.segment.store.accounts import unlink_subjects
from services.segment.store.erasures import request_erasure
from services.segment.store.touches import Touch, add_touches


async def erase_person(
    tx: Tx,
    *,
    workspace_id: int,
    person_no: int,
    person_id: UUID,
    subject_nos: Sequence[int],
    version: int,
    event_id: UUID,
    received_at: datetime,
    erasure_id: UUID,
    retired_nos: Sequence[int] = (),
) -> None:
    """Take an erased person, and those that had ended in him, out of everything; the columnar rows follow by a job."""
    numbers = sorted({person_no, *retired_nos})
    ending = [(number, person_id if number == person_no else None, version) for number in numbers]
    await persons.set_state(tx, workspace_id, ending, state=persons.ERASED)
    own = [-number for number in numbers]
    held_by = await owners.bury_subjects(tx, workspace_id, person_nos=numbers, subject_nos=[*subject_nos, *own])
    await unlink_subjects(tx, workspace_id, [*subject_nos, *own])
    await spans.forget(tx, workspace_id, subject_nos)
    for number in numbers:  # he was rarely more than one or two
        await request_erasure(
            tx,
            workspace_id,
            person_no=number,
            subject_nos=subject_nos,
            at=received_at,
            erasure_id=erasure_id if number == person_no else None,
        )
    touches = [Touch(number, "erased", received_at, "", event_id) for number in numbers]
    # somebody else's until a fact that is on its way: he is named by one less
    touches += [Touch(number, "event", received_at, ANONYMITY, event_id) for number in sorted({*held_by} - {*numbers})]
    await add_touches(tx, workspace_id, touches)
