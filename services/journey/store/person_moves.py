"""Runs follow their persons: through merges, splits and erasure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement


class EndedRun(NamedTuple):
    """A run that a merge ended."""

    run_id: UUID
    journey_id: UUID
    version: int
    person_no: int
    person_id: UUID
    node: str
    sequence: int
    arm: str
    converted: bool


_LOCK = load_sql(__file__, "lock_person_runs.sql")
_MOVING = statement("""
    select run_id from run
    where workspace_id = :workspace_id and person_no = any(:from_nos::int[])
      and (:subject_nos::int[] is null or subject_no = any(:subject_nos) or (subject_no = 0 and entered_as = :to_no))
""")
_END_COLLIDING = load_sql(__file__, "end_colliding_runs.sql")
_MOVE_RUNS = statement("""
    update run set person_no = :to_no, person_id = :to_id
    where run_id = any(:moving::uuid[])
""")
_MOVE_HEARD = statement("""
    update heard set person_no = :to_no
    where workspace_id = :workspace_id and person_no = any(:from_nos::int[])
      and (:subject_nos::int[] is null or subject_no = any(:subject_nos) or (subject_no = 0 and heard_as = :to_no))
""")
_COPY_ENTERED = statement("""
    insert into entered as e (workspace_id, journey_id, person_no, entry_key, first_at, last_at)
    select workspace_id, journey_id, :to_no, entry_key, min(first_at), max(last_at)
    from entered where workspace_id = :workspace_id and person_no = any(:from_nos::int[])
    group by workspace_id, journey_id, entry_key
    on conflict (workspace_id, journey_id, person_no, entry_key) do update
        set first_at = least(e.first_at, excluded.first_at), last_at = greatest(e.last_at, excluded.last_at)
""")
_REBUILD_ENTERED = statement("""
    insert into entered as e (workspace_id, journey_id, person_no, entry_key, first_at, last_at)
    select workspace_id, journey_id, :to_no, entry_key, min(entry_time), max(entry_time)
    from run where run_id = any(:moving::uuid[])
    group by workspace_id, journey_id, entry_key
    on conflict (workspace_id, journey_id, person_no, entry_key) do update
        set first_at = least(e.first_at, excluded.first_at), last_at = greatest(e.last_at, excluded.last_at)
""")
_FORGET_ENTERED = statement("""
    delete from entered e
    where e.workspace_id = :workspace_id and e.person_no = any(:from_nos::int[])
      and exists (
          select from run m where m.run_id = any(:moving::uuid[])
            and m.journey_id = e.journey_id and m.entry_key = e.entry_key
      ) and not exists (
          select from run r where r.workspace_id = e.workspace_id and r.journey_id = e.journey_id
            and r.entry_key = e.entry_key and r.person_no = e.person_no
      )
""")
_COPY_ARMS = statement("""
    insert into assignment as a (workspace_id, journey_id, person_no, node, arm, assigned_at, run_id)
    select distinct on (journey_id, node) workspace_id, journey_id, :to_no, node, arm, assigned_at, run_id
    from assignment where workspace_id = :workspace_id and person_no = any(:from_nos::int[])
    order by journey_id, node, assigned_at, run_id
    on conflict (workspace_id, journey_id, person_no, node) do update
        set arm = excluded.arm, assigned_at = excluded.assigned_at, run_id = excluded.run_id
        where (excluded.assigned_at, excluded.run_id) < (a.assigned_at, a.run_id)
""")
_WAKE = statement("""
    update run_timer t set due_at = :now
    from run r
    where r.workspace_id = :workspace_id and r.person_no = :to_no and r.live and t.run_id = r.run_id
      and t.due_at > :now
""")
_ERASE = load_sql(__file__, "erase_person.sql")
_FORGET_PERSON = {
    table: statement(f"delete from {table} where workspace_id = :workspace_id and person_no = any(:person_nos::int[])")
    for table in ("heard", "entered", "assignment")
}
_DISOWN = statement("""
    update subject_owner set person_no = 0, person_id = '00000000-0000-0000-0000-000000000000'
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
""")
_FORGET_SAID = statement("""
    delete from said where workspace_id = :workspace_id and (person_no = any(:person_nos::int[]) or person_no in (
        select person_no from redirect where workspace_id = :workspace_id and to_person_no = any(:person_nos::int[])
    ))
""")


async def lock_person_runs(tx: Tx, *, workspace_id: int, person_nos: Sequence[int]) -> None:
    """Hold the live runs of persons until the transaction ends."""
    await tx.fetch(_LOCK, workspace_id=workspace_id, person_nos=list(person_nos))


async def move_person(
    tx: Tx, *, workspace_id: int, from_nos: Sequence[int], to_no: int, to_id: UUID,
    subject_nos: Sequence[int] | None, now: datetime,
) -> list[EndedRun]:  # fmt: skip
    """Give the runs of persons (only those entered by `subject_nos`, if given) to another; return what ended as merged.

    Waits keep their times; runs that go on are looked at now, for the other side's events are theirs too.
    """
    between = {"workspace_id": workspace_id, "from_nos": list(from_nos), "to_no": to_no}
    subjects = None if subject_nos is None else list(subject_nos)
    await lock_person_runs(tx, workspace_id=workspace_id, person_nos=[*from_nos, to_no])
    moving = [row["run_id"] for row in await tx.fetch(_MOVING, **between, subject_nos=subjects)]
    ended = await tx.fetch(_END_COLLIDING, workspace_id=workspace_id, to_no=to_no, moving=moving, now=now)
    await tx.execute(_MOVE_RUNS, to_no=to_no, to_id=to_id, moving=moving)
    await tx.execute(_MOVE_HEARD, **between, subject_nos=subjects)
    await tx.execute(_COPY_ARMS, **between)
    if subjects is None:
        await tx.execute(_COPY_ENTERED, **between)
    else:
        await tx.execute(_REBUILD_ENTERED, to_no=to_no, moving=moving)
        await tx.execute(_FORGET_ENTERED, workspace_id=workspace_id, from_nos=list(from_nos), moving=moving)
    await tx.execute(_WAKE, workspace_id=workspace_id, to_no=to_no, now=now)
    return [EndedRun(*row) for row in ended]


async def erase_person(tx: Tx, *, workspace_id: int, person_nos: Sequence[int], now: datetime) -> dict[str, int]:
    """End the runs of a person and delete what is known of him; return how many rows of which table."""
    numbers = list(person_nos)
    await lock_person_runs(tx, workspace_id=workspace_id, person_nos=numbers)
    counts = {"run": await tx.execute(_ERASE, workspace_id=workspace_id, person_nos=numbers, now=now)}
    for table, forget in _FORGET_PERSON.items():
        counts[table] = await tx.execute(forget, workspace_id=workspace_id, person_nos=numbers)
    counts["said"] = await tx.execute(_FORGET_SAID, workspace_id=workspace_id, person_nos=numbers)
    await tx.execute(_DISOWN, workspace_id=workspace_id, person_nos=numbers)
    return counts
