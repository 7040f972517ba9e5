"""Identifiers changed hands: their events follow."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.store import persons
from services.segment.store.touches import Touch, add_touches
from services.segment.usecases.stage_overrides import stage_overrides


async def change_owners(
    tx: Tx,
    *,
    workspace_id: int,
    facts: Sequence[tuple[int, int, int]],
    event_id: UUID,
    received_at: datetime,
) -> None:
    """Take over ownership facts (subject, person, version), and ask again whoever gained or lost events."""
    changes = await persons.change_owners(
        tx,
        workspace_id,
        subject_nos=[subject_no for subject_no, _, _ in facts],
        person_nos=[person_no for _, person_no, _ in facts],
        versions=[version for _, _, version in facts],
    )
    await stage_overrides(tx, workspace_id=workspace_id, subject_nos=[change.subject_no for change in changes])
    touched = {number for change in changes for number in (change.person_no, change.person_before)}
    touches = [Touch(person_no, "merge", received_at, "", event_id) for person_no in sorted(touched)]
    await add_touches(tx, workspace_id, touches)
