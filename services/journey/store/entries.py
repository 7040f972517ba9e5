"""Entering a journey."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql
from services.journey.domain.duration import Duration

_START = load_sql(__file__, "start_runs.sql")


class Entrant(NamedTuple):
    """A person about to enter; `context` is the JSON text of the entry event's plain properties."""

    run_id: UUID
    person_no: int
    person_id: UUID
    subject_no: int
    entry_key: str
    event_id: UUID
    entry_time: datetime
    goal_until: datetime | None
    context: str | None
    sealed: str | None
    zone: str | None
    received_at: datetime


async def start_runs(
    tx: Tx, entrants: list[Entrant], *, workspace_id: int, journey_id: UUID, version: int, exclusive: bool,
    gap: Duration | None, now: datetime,
) -> list[UUID]:  # fmt: skip
    """Start the runs that re-entry and concurrency allow, and return their ids; `gap` None means never again."""
    started: list[UUID] = []
    waiting = entrants
    while waiting:
        # one statement cannot touch a row twice: the second entry of a key comes in the next round
        first = {(e.person_no, e.entry_key): e for e in reversed(waiting)}
        chosen = {entrant.run_id for entrant in first.values()}
        waiting = [entrant for entrant in waiting if entrant.run_id not in chosen]
        columns = list(zip(*first.values(), strict=True))
        names = (
            "run_ids", "person_nos", "person_ids", "subject_nos", "entry_keys", "event_ids", "entry_times",
            "goal_untils", "contexts", "sealed", "zones", "received",
        )  # fmt: skip
        rows = await tx.fetch(
            _START,
            **dict(zip(names, columns, strict=True)),
            workspace_id=workspace_id, journey_id=journey_id, version=version, exclusive=exclusive,
            always=gap is not None and not gap.months and not gap.exact, now=now,
            # months are the calendar's; a null gap compares as false: never
            gap_months=gap.months if gap else 0, gap=gap.exact if gap else None,
        )  # fmt: skip
        started += [row["run_id"] for row in rows]
    return started
