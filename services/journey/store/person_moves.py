"""Runs follow their persons: through merges, splits and erasure."""

from collections.abc import Mapping, Sequence
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


class Held(NamedTuple):
    """What lies with a person: the number it was entered or heard under (its side), and by which identifier."""

    person_no: int
    side_no: int
    subject_no: int


_LOCK = load_sql(__file__, "lock_person_runs.sql")
_HELD = statement("""
    select person_no, entered_as as side_no, subject_no from run
    where workspace_id = :workspace_id and person_no = any(:places::int[])
    union
    select person_no, heard_as, subject_no from heard
    where workspace_id = :workspace_id and person_no = any(:places::int[])
""")
_SIDES = [
    statement(f"""
        update {table} x set {side} = k.to_no
        from unnest(:person_nos::int[], :side_nos::int[], :subject_nos::int[], :to_nos::int[])
            k (person_no, side_no, subject_no, to_no)
        where x.workspace_id = :workspace_id and x.person_no = k.person_no and x.{side} = k.side_no
          and x.subject_no = k.subject_no
    """)
    for table, side in (("run", "entered_as"), ("heard", "heard_as"))
]
_MOVING = statement("""
    select run_id from run
    where workspace_id = :workspace_id and person_no = :from_no and entered_as = any(:side_nos::int[])
""")
_END_COLLIDING = load_sql(__file__, "end_colliding_runs.sql")
_MOVE_RUNS = statement("""
    update run set person_no = :to_no, person_id = :to_id
    where run_id = any(:moving::uuid[])
""")
_MOVE_HEARD = statement("""
    update heard set person_no = :to_no
    where workspace_id = :workspace_id and person_no = :from_no and heard_as = any(:side_nos::int[])
""")
_COPY_ENTERED = statement("""
    insert into entered as e (workspace_id, journey_id, person_no, entry_key, first_at, last_at)
    select workspace_id, journey_id, :to_no, entry_key, min(first_at), max(last_at)
    from entered where workspace_id = :workspace_id and person_no = :from_no
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
    where e.workspace_id = :workspace_id and e.person_no = :from_no
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
    from assignment where workspace_id = :workspace_id and person_no = :from_no
    order by journey_id, node, assigned_at, run_id
    on conflict (workspace_id, journey_id, person_no, node) do update
        set arm = excluded.arm, assigned_at = excluded.assigned_at, run_id = excluded.run_id
        where (excluded.assigned_at, excluded.run_id) < (a.assigned_at, a.run_id)
""")
_WAKE = statement("""
    update run_timer t set due_at = :now
    from run r
    where r.workspace_id = :workspace_id and r.person_no = any(:person_nos::int[]) and r.live and t.run_id = r.run_id
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


async def held_at(tx: Tx, *, workspace_id: int, places: Sequence[int]) -> list[Held]:
    """Hold the live runs of persons and return what lies with them, once for each side and identifier."""
    await lock_person_runs(tx, workspace_id=workspace_id, person_nos=places)
    return [Held(*row) for row in await tx.fetch(_HELD, workspace_id=workspace_id, places=list(places))]


async def change_sides(tx: Tx, *, workspace_id: int, changes: Mapping[Held, int]) -> None:
    """Let what was held so be of another side, before it is moved."""
    if changes:
        held = list(changes)
        for change in _SIDES:
            await tx.execute(
                change, workspace_id=workspace_id, person_nos=[one.person_no for one in held],
                side_nos=[one.side_no for one in held], subject_nos=[one.subject_no for one in held],
                to_nos=list(changes.values()),
            )  # fmt: skip


async def move_sides(
    tx: Tx, *, workspace_id: int, from_no: int, side_nos: Sequence[int], to_no: int, to_id: UUID, parts: bool,
    now: datetime,
) -> list[EndedRun]:  # fmt: skip
    """Give what a person holds of these sides to another; return what ended as merged. Waits keep their times.

    `parts`: who held it goes on as himself, and what he never entered himself is forgotten of him.
    """
    between = {"workspace_id": workspace_id, "from_no": from_no, "side_nos": list(side_nos)}
    await lock_person_runs(tx, workspace_id=workspace_id, person_nos=[from_no, to_no])
    moving = [row["run_id"] for row in await tx.fetch(_MOVING, **between)]
    ended = await tx.fetch(_END_COLLIDING, workspace_id=workspace_id, to_no=to_no, moving=moving, now=now)
    await tx.execute(_MOVE_RUNS, to_no=to_no, to_id=to_id, moving=moving)
    await tx.execute(_MOVE_HEARD, **between, to_no=to_no)
    await tx.execute(_REBUILD_ENTERED, to_no=to_no, moving=moving)
    if parts:
        await tx.execute(_FORGET_ENTERED, workspace_id=workspace_id, from_no=from_no, moving=moving)
    return [EndedRun(*row) for row in ended]


async def copy_arms(tx: Tx, *, workspace_id: int, from_no: int, to_no: int) -> None:
    """Let the arms that were drawn for one hold for another; the earliest wins."""
    await tx.execute(_COPY_ARMS, workspace_id=workspace_id, from_no=from_no, to_no=to_no)


async def copy_entered(tx: Tx, *, workspace_id: int, from_no: int, to_no: int) -> None:
    """Let what one has ever entered count for another."""
    await tx.execute(_COPY_ENTERED, workspace_id=workspace_id, from_no=from_no, to_no=to_no)


async def wake_runs_of(tx: Tx, *, workspace_id: int, person_nos: Sequence[int], now: datetime) -> None:
    """Look at the live runs of persons now: the other side's events are theirs too."""
    await tx.execute(_WAKE, workspace_id=workspace_id, person_nos=list(person_nos), now=now)


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
