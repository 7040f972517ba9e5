"""A merge: the survivor has everything of the absorbed, at once."""

from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.store import manual_lists, memberships, owners, persons
from services.segment.store.touches import Touch, add_touches
from services.segment.usecases.stage_overrides import stage_overrides
from services.segment.usecases.stage_spans import settle_spans


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
    # merges arrive in any order: the survivor told may be merged himself by now, even into one he absorbs here
    now = await persons.present(tx, workspace_id, [survivor, *absorbed])
    told, survivor = survivor, now.get(survivor, survivor)
    ending = [(person_no, person_id, version) for person_no, person_id in absorbed.items() if person_no != survivor]
    took = await persons.set_state(tx, workspace_id, ending, state=persons.MERGED, merged_into=survivor)
    if not took:
        return
    if await manual_lists.concern(tx, workspace_id, [survivor, *took]):
        await memberships.disturb(tx, workspace_id)
    subjects = await owners.absorb(tx, workspace_id, absorbed=took, survivor=survivor)
    await stage_overrides(tx, workspace_id=workspace_id, subject_nos=subjects)
    await settle_spans(tx, workspace_id=workspace_id, present=dict.fromkeys(took, survivor))
    # whoever comes from another survivor, by a merge that is told again, leaves him
    left = {now[person_no] for person_no in took if person_no in now}
    touches = [Touch(person_no, "merge", received_at, "", event_id) for person_no in {survivor, told, *took, *left}]
    await add_touches(tx, workspace_id, touches)
