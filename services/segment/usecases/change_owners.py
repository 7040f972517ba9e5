"""Identifiers changed hands: their events follow."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.domain.fact import ANONYMITY
from services.segment.store import owners, persons
from services.segment.store.owners import OwnerChange
from services.segment.store.spans import OwnershipFact
from services.segment.store.touches import Touch, add_touches
from services.segment.usecases.stage_overrides import stage_overrides
from services.segment.usecases.time_subjects import held_by_time, time_subjects


async def change_owners(
    tx: Tx,
    *,
    workspace_id: int,
    facts: Sequence[OwnershipFact],
    event_id: UUID,
    received_at: datetime,
) -> None:
    """Take over ownership facts, and ask again whoever gained or lost events."""
    # whose merge is being undone just now is not yet told by the picture, and is by the time the owner is written
    await persons.hold(tx, workspace_id, [fact.person_no for fact in facts])
    timed = await held_by_time(tx, workspace_id=workspace_id, facts=facts)
    # an interval of the past says nothing of the present owner
    lasting = [fact for fact in facts if fact.until is None]
    told = await owners.change_owners(
        tx,
        workspace_id,
        subject_nos=[fact.subject_no for fact in lasting],
        person_nos=[fact.person_no for fact in lasting],
        versions=[fact.version for fact in lasting],
        naming=[fact.naming for fact in lasting],
    )
    changes = [change for change in told if change.changes_hands]
    await stage_overrides(tx, workspace_id=workspace_id, subject_nos=[change.subject_no for change in changes])
    touched = {number for change in changes for number in (change.person_no, change.person_before or 0)}
    touched |= await time_subjects(tx, workspace_id=workspace_id, facts=facts, timed=timed)
    touches = [Touch(person_no, "merge", received_at, "", event_id) for person_no in sorted(touched)]
    named = {person_no for one in told for person_no in _named_by(one)} - touched
    touches += [Touch(person_no, "event", received_at, ANONYMITY, event_id) for person_no in sorted(named)]
    await add_touches(tx, workspace_id, touches)


def _named_by(told: OwnerChange) -> set[int]:
    """Return whom a subject names now and did not, or named and does not."""
    if told.naming == told.naming_before and not told.changes_hands:
        return set()
    return {told.person_no, told.person_before or told.person_no} if told.naming or told.naming_before else set()
