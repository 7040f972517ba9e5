"""What is told of a subject for a part of time, painted: whose its events are is a matter of when they happened."""

from collections.abc import Collection, Sequence

from libs.common.db import Tx
from libs.common.painting import Interval, paint, repainted
from services.segment.store import persons, spans
from services.segment.store.spans import OwnershipFact, Span
from services.segment.usecases.stage_spans import stage_spans


async def held_by_time(tx: Tx, *, workspace_id: int, facts: Sequence[OwnershipFact]) -> set[int]:
    """Return the subjects of the facts that are told of by time, held until the commit; what was known is kept."""
    named = {fact.subject_no for fact in facts}
    new = {fact.subject_no for fact in facts if fact.is_timed}
    known = await spans.timed_among(tx, workspace_id, named)
    if not new | known:
        return set()
    await spans.hold(tx, workspace_id)
    known = await spans.timed_among(tx, workspace_id, named)
    await spans.seed(tx, workspace_id, new - known)
    return new | known


async def time_subjects(
    tx: Tx, *, workspace_id: int, facts: Sequence[OwnershipFact], timed: Collection[int]
) -> set[int]:
    """Paint the held subjects anew with these facts; return whoever gained or lost some of their time."""
    if not timed:
        return set()
    await spans.add(tx, workspace_id, [fact for fact in facts if fact.subject_no in timed])
    told = await spans.facts_of(tx, workspace_id, timed)
    painted = {subject_no: paint(mine) for subject_no, mine in told.items()}
    numbers = {one.person_no for intervals in painted.values() for one in intervals}
    present = await persons.present(tx, workspace_id, sorted(numbers))
    before = await spans.spans_of(tx, workspace_id, timed)
    await spans.replace(tx, workspace_id, painted, present)
    after = await spans.spans_of(tx, workspace_id, timed)
    changed = {one for one in after if after[one] != before.get(one)}
    await stage_spans(tx, workspace_id=workspace_id, subject_nos=changed)
    return {
        number
        for one in changed
        for new, old in repainted(_intervals(before.get(one, [])), _intervals(after[one]))
        for number in (new.person_no, old)
        if number
    }


def _intervals(mine: Sequence[Span]) -> list[Interval]:
    return paint([OwnershipFact(span.subject_no, span.person_no, 0, span.since) for span in mine])
