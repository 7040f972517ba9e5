"""Put single persons onto a segment's hand-made lists, or take them off."""

from libs.common.db import Tx
from libs.common.errors import FieldError, Invalid
from services.segment.store import manual_lists
from services.segment.store.segments import SegmentRow
from services.segment.usecases.check_listed import check_listed
from services.segment.usecases.recompute_listed import recompute_listed

MOST_LISTED = 100_000
"""Persons of one list; whom a list of millions means has a trait or a tag."""


async def change_lists(
    tx: Tx, *, workspace_id: int, row: SegmentRow, included: list[int], excluded: list[int], removed: list[int]
) -> None:
    """Put persons onto a list, and so off the other one, or off both; raises Conflict or Invalid."""
    _refuse_contradictions({"include": included, "exclude": excluded, "remove": removed})
    await check_listed(tx, workspace_id=workspace_id, row=row, lists={"include": included, "exclude": excluded})
    segment_id = row.segment_id
    await manual_lists.remove(tx, workspace_id, segment_id=segment_id, person_nos=removed)
    await manual_lists.add(tx, workspace_id, segment_id=segment_id, included=included, excluded=excluded)
    for name, count in (await manual_lists.sizes(tx, workspace_id, segment_id)).items():
        if count > MOST_LISTED:
            raise Invalid.at(f"/{name}", f"the list would be of {count:,} persons, at most {MOST_LISTED:,} are kept")
    await recompute_listed(tx, workspace_id=workspace_id, row=row)


def _refuse_contradictions(lists: dict[str, list[int]]) -> None:
    """A person goes one way: whoever names him twice does not know which."""
    first: dict[int, str] = {}
    faults = []
    for name, listed in lists.items():
        for place, number in enumerate(listed):
            other = first.setdefault(number, name)
            if other != name:
                faults.append(FieldError(f"/{name}/{place}", f"person {number} is in `{other}` too: name him once"))
    if faults:
        raise Invalid("persons are named twice", errors=faults[:100])
