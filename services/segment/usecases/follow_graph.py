"""The identity graph changed: persons come, merge, split and are erased; their events follow at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.store import manual_lists, memberships, persons
from services.segment.store.erasures import request_erasure
from services.segment.store.touches import Touch, add_touches
from services.segment.usecases.stage_overrides import stage_overrides


@dataclass(frozen=True)
class Newcomer:
    """A person seen for the first time, or revived."""

    person_no: int
    person_id: UUID
    version: int
    revived: bool
    event_id: UUID
    received_at: datetime


async def add_persons(tx: Tx, *, workspace_id: int, newcomers: Sequence[Newcomer]) -> None:
    """Take persons into the universe, with or without events."""
    versions = {newcomer.version for newcomer in newcomers}
    took: set[int] = set()
    # one statement per graph version, which is one per batch of the resolver
    for version in sorted(versions):
        chosen = {newcomer.person_no: newcomer.person_id for newcomer in newcomers if newcomer.version == version}
        took.update(await persons.set_state(tx, workspace_id, dict(chosen), state=persons.ALIVE, version=version))
    touches = [
        Touch(
            newcomer.person_no, "revived" if newcomer.revived else "event", newcomer.received_at, "", newcomer.event_id
        )
        for newcomer in newcomers
        if newcomer.person_no in took
    ]
    await add_touches(tx, workspace_id, touches)


async def merge_persons(
    tx: Tx,
    *,
    workspace_id: int,
    survivor: int,
    survivor_id: UUID,
    absorbed: dict[int, UUID | None],
    version: int,
    event_id: UUID,
    received_at: datetime,
) -> None:
    """Let the survivor have all events of the absorbed, and ask all of them again."""
    await persons.ensure_persons(tx, workspace_id, {survivor: survivor_id})
    took = await persons.set_state(
        tx, workspace_id, absorbed, state=persons.MERGED, version=version, merged_into=survivor
    )
    if not took:
        return
    if await manual_lists.move(tx, workspace_id, absorbed=took, survivor=survivor):
        await memberships.disturb(tx, workspace_id)
    subjects = await persons.absorb(tx, workspace_id, absorbed=took, survivor=survivor)
    await stage_overrides(tx, workspace_id=workspace_id, subject_nos=subjects)
    touches = [Touch(person_no, "merge", received_at, "", event_id) for person_no in (survivor, *took)]
    await add_touches(tx, workspace_id, touches)


async def split_person(
    tx: Tx,
    *,
    workspace_id: int,
    remaining: int,
    parts: Sequence[tuple[int, UUID, Sequence[int], bool]],
    version: int,
    event_id: UUID,
    received_at: datetime,
) -> None:
    """Give each part (person, id, subjects, revived) its own events back, and ask all of them again."""
    touches = [Touch(remaining, "split", received_at, "", event_id)]
    for person_no, person_id, subject_nos, revived in parts:
        await persons.set_state(tx, workspace_id, {person_no: person_id}, state=persons.ALIVE, version=version)
        given = await persons.give_subjects(tx, workspace_id, owner=person_no, subject_nos=(*subject_nos, -person_no))
        await stage_overrides(tx, workspace_id=workspace_id, subject_nos=given)
        touches.append(Touch(person_no, "revived" if revived else "split", received_at, "", event_id))
    await add_touches(tx, workspace_id, touches)


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
