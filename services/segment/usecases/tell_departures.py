"""Tell the members of deleted segments that they exited."""

from datetime import datetime

from libs.common.db import Tx
from services.segment.domain.answer import Reason
from services.segment.store import departures, persons
from services.segment.usecases.tell_changes import Told, tell_changes


async def tell_departures(tx: Tx, *, workspace_id: int, now: datetime) -> int:
    """Tell the next page of them, and forget a segment of which everybody is told; return how much was done."""
    departure = await departures.first(tx, workspace_id)
    if departure is None:
        return 0
    members = await departures.take_page(tx, workspace_id, departure.segment_id)
    if not members:
        await departures.departed(tx, workspace_id, departure.segment_id)
        return 1
    known = await persons.snapshot(tx, workspace_id, list(members))
    # who was merged or erased since leaves without a word, as everywhere
    alive = {person_no: person_id for person_no, (state, person_id) in known.items() if state == persons.ALIVE}
    reason = Reason("edit", departure.deleted_at)
    told = (Told(departure.segment_id, departure.version, number, False, reason) for number in sorted(alive))
    await tell_changes(tx, workspace_id, told, person_ids=alive, now=now)
    return len(members)
