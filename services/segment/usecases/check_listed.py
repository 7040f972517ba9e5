"""Who may stand on a hand-made list: persons this service has heard of."""

from collections.abc import Mapping, Sequence

from libs.common.db import Tx
from libs.common.errors import Conflict, FieldError, Invalid
from services.segment.store import persons
from services.segment.store.segments import SegmentRow

MOST_TOLD = 100
"""Faults of one answer; whoever sends ten thousand wrong numbers mistook the list."""


async def check_listed(tx: Tx, *, workspace_id: int, row: SegmentRow, lists: Mapping[str, Sequence[int]]) -> None:
    """Raise Conflict for a snapshot's lists, Invalid with a pointer to each person nobody heard of, or erased."""
    if row.state == "frozen":
        raise Conflict("a snapshot stays as it is: it has no hand-made lists")
    numbers = {number for listed in lists.values() for number in listed}
    # whoever is merged, split or erased meanwhile is so before the list is kept, or finds himself on it
    await persons.hold(tx, workspace_id, sorted(numbers))
    unknown = await persons.unknown(tx, workspace_id, sorted(numbers))
    if not unknown:
        return
    faults = [
        FieldError(f"/{name}/{place}", f"there is no person {number}")
        for name, listed in lists.items()
        for place, number in enumerate(listed)
        if number in unknown
    ]
    raise Invalid(f"{len(unknown)} of the persons do not exist", errors=faults[:MOST_TOLD])
