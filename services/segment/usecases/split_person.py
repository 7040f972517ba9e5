"""A split: each part has its own events back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.store import manual_lists, memberships, owners, persons
from services.segment.store.touches import Touch, add_touches
from services.segment.usecases.stage_overrides import stage_overrides
from services.segment.usecases.stage_spans import settle_spans


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
        await persons.set_state(tx, workspace_id, [(person_no, person_id, version)], state=persons.ALIVE)
        given = await owners.give_subjects(tx, workspace_id, owner=person_no, subject_nos=(*subject_nos, -person_no))
        await stage_overrides(tx, workspace_id=workspace_id, subject_nos=list(given))
        # a merge of later may have been applied before: whoever had them has them no more
        others = sorted(set(given.values()) - {remaining})
        touches += [Touch(other, "split", received_at, "", event_id) for other in others]
        touches.append(Touch(person_no, "revived" if revived else "split", received_at, "", event_id))
    await settle_spans(tx, workspace_id=workspace_id, present={person_no: person_no for person_no, *_ in parts})
    if await manual_lists.concern(tx, workspace_id, [remaining, *(person_no for person_no, *_ in parts)]):
        await memberships.disturb(tx, workspace_id)
    await add_touches(tx, workspace_id, touches)
