"""Hold what the tracking plan will not have, and count what departs from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from libs.common.db import Tx
from services.identity.domain.calls import Call
from services.identity.domain.posting import Posting
from services.identity.domain.tracking_plan import Sorted, TrackingPlan, Violation, sort_calls
from services.identity.store import tracking_plans
from services.identity.store.tracking_plans import Departure

MOST_KINDS = 500
"""Different departures counted of one group: names that hold ids must not fill a table."""


def hold_unplanned(posting: Posting, plan: TrackingPlan) -> tuple[Posting, Sorted]:
    """Return a posting without the calls that the plan wants held, which are kept with their reason."""
    done = sort_calls(posting.calls, plan)
    held = [(refusal, posting.calls[position].payload) for position, refusal in done.held]
    kept = replace(posting, calls=[posting.calls[one] for one in done.staying], kept=[*posting.kept, *held])
    return kept, done


async def apply_plan(
    tx: Tx, postings: Sequence[Posting], plans: Mapping[int, TrackingPlan], *, now: Mapping[int, datetime]
) -> tuple[list[Posting], list[dict[int, Violation]]]:
    """Return the postings as the plans let them in and, by position of the calls that stay, what they are warned of."""
    planned: list[Posting] = []
    warnings: list[dict[int, Violation]] = []
    counts: Counter[Departure] = Counter()
    for posting in postings:
        plan = plans.get(posting.source.workspace_id)
        if plan is None:
            planned.append(posting)
            warnings.append({})
            continue
        kept, done = hold_unplanned(posting, plan)
        planned.append(kept)
        warnings.append({new: done.warned[old] for new, old in enumerate(done.staying) if old in done.warned})
        counts.update(departures(posting.source.workspace_id, posting.source.source_id, posting.calls, done))
    await count_departures(tx, counts, next(iter(now.values())))
    return planned, warnings


def departures(workspace_id: int, source_id: int, calls: Sequence[Call], done: Sorted) -> Counter[Departure]:
    """Return what departed from the plan, how often each."""
    return Counter(
        Departure(
            workspace_id, calls[position].name, one.refusal.pointer[:200], one.refusal.reason, source_id, one.mode, 0
        )
        for position, one in done.broken
    )


async def count_departures(tx: Tx, counts: Counter[Departure], now: datetime) -> None:
    """Add departures up in the store."""
    if counts:
        listed = counts.most_common(MOST_KINDS)
        await tracking_plans.count(tx, [msgspec.structs.replace(one, seen=seen) for one, seen in listed], now)
