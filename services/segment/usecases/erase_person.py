"""An erasure: out of the universe now, out of the columnar store in the next round."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.store import persons
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
) -> None:
    """Take an erased person out of everything; the columnar rows follow by a job."""
    await persons.set_state(tx, workspace_id, {person_no: person_id}, state=persons.ERASED, version=version)
    owned = await persons.forget_subjects(tx, workspace_id, person_no=person_no, subject_nos=subject_nos)
    subjects = sorted({*subject_nos, *owned})
    await request_erasure(tx, workspace_id, person_no=person_no, subject_nos=subjects, at=received_at)
    await add_touches(tx, workspace_id, [Touch(person_no, "erased", received_at, "", event_id)])
