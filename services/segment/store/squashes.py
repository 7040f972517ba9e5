"""Squashes of overrides, step by step: what is durable about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.common.db import Tx, load_sql, statement
from services.segment.domain.moved import Moved, news_since

Phase = Literal["begun", "copying", "copied", "given_up", "finished"]

_COLUMNS = "workspace_id, squash_no, phase, phase_at, override_version"
_OPEN = statement(f"select {_COLUMNS} from segment.squash where phase <> 'finished' order by workspace_id")
_OPEN_ONE = statement(
    f"select {_COLUMNS} from segment.squash where workspace_id = :workspace_id::int and phase <> 'finished'"
)
_MOVED = statement(
    """
    select
        exists (select from segment.subject where workspace_id = :workspace_id::int and overridden)
            or exists (select from segment.ownership_span where workspace_id = :workspace_id::int) as moved,
        squash.squash_no, squash.phase
    from (values (1)) as one
    left join segment.squash on squash.workspace_id = :workspace_id::int and squash.phase <> 'finished'
    """
)
_NEWS = statement("select coalesce(max(squash_no), 0) from segment.squash where workspace_id = :workspace_id::int")
_WAITING = statement(
    """
    select workspace_id, count(*) as subjects from segment.subject
    where workspace_id = any(:workspace_ids::int[]) and overridden and person_no <> 0
      and not exists (
          select from segment.ownership_span as span
          where span.workspace_id = subject.workspace_id and span.subject_no = subject.subject_no
      )
    group by workspace_id
    """
)
_LAST = statement(
    """
    select workspace_id, max(begun_at) as begun_at from segment.squash
    where workspace_id = any(:workspace_ids::int[]) group by workspace_id
    """
)
_BEGIN = statement(
    """
    insert into segment.squash (workspace_id, squash_no, subjects, override_version)
    select :workspace_id::int, coalesce(max(squash_no), 0) + 1, :subjects::int, nextval('segment.override_version')
    from segment.squash where workspace_id = :workspace_id::int
    """
)
_ENTER = statement(
    """
    update segment.squash set phase = :phase::text, phase_at = clock_timestamp()
    where workspace_id = :workspace_id::int and squash_no = :squash_no::int and phase = :left::text
    """
)
_PAIRS = statement(
    """
    select subject_no, under.person_no, squash_subject.person_no as to_person_no
    from segment.squash_subject
    cross join unnest(stored_under) as under (person_no)
    where workspace_id = :workspace_id::int and under.person_no <> squash_subject.person_no
    order by subject_no, under.person_no
    """
)
_RESTORE = statement(
    """
    update segment.subject set stored_under = (
        select array_agg(distinct every_one order by every_one)
        from unnest(subject.stored_under || before.stored_under) as both_sides (every_one)
    )
    from segment.squash_subject as before
    where before.workspace_id = :workspace_id::int and subject.workspace_id = before.workspace_id
      and subject.subject_no = before.subject_no and subject.person_no <> 0
    """
)
_SETTLED = statement(
    """
    select subject.subject_no from segment.squash_subject
    join segment.subject using (workspace_id, subject_no)
    where workspace_id = :workspace_id::int and subject.overridden and not subject.moved order by subject.subject_no
    """
)
_RETIRE = statement(
    """
    update segment.subject set overridden = false
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[]) and not moved
    """
)
_FORGET = statement("delete from segment.squash_subject where workspace_id = :workspace_id::int")
_LOCK = statement("select pg_try_advisory_xact_lock(7305, :workspace_id::int)")
_CHOOSE = load_sql(__file__, "choose_squashed.sql")


@dataclass(frozen=True)
class Squash:
    """A squash that goes on; `phase_at` is real time."""

    workspace_id: int
    squash_no: int
    phase: Phase
    phase_at: datetime
    override_version: int


async def open_squashes(tx: Tx) -> list[Squash]:
    """Return the squashes that go on."""
    return [Squash(**dict(row)) for row in await tx.fetch(_OPEN)]


async def open_squash(tx: Tx, workspace_id: int) -> Squash | None:
    """Return the workspace's squash that goes on."""
    row = await tx.fetch_one(_OPEN_ONE, workspace_id=workspace_id)
    return Squash(**dict(row)) if row else None


async def hold(tx: Tx, workspace_id: int) -> bool:
    """Keep the workspace's squash for oneself until the transaction ends; False when another process does."""
    return bool(await tx.fetch_value(_LOCK, workspace_id=workspace_id))


async def moved(tx: Tx, workspace_id: int) -> Moved | None:
    """Return how events are to be read; None where every row says its owner."""
    row = await tx.fetch_one(_MOVED, workspace_id=workspace_id)
    if row is None or not (row["moved"] or row["squash_no"]):
        return None
    return Moved(row["squash_no"] or 0, row["phase"] == "copied")


async def news_generation(tx: Tx, workspace_id: int) -> int:
    """Return the generation of rows staged now; to be read after their subjects' rows are locked."""
    return news_since(await tx.fetch_value(_NEWS, workspace_id=workspace_id))


async def overridden_subjects(tx: Tx, workspace_ids: list[int]) -> dict[int, int]:
    """Return how many subjects have overrides, by workspace."""
    rows = await tx.fetch(_WAITING, workspace_ids=workspace_ids)
    return {row["workspace_id"]: row["subjects"] for row in rows}


async def last_begun(tx: Tx, workspace_ids: list[int]) -> dict[int, datetime]:
    """Return when the last squash of each workspace began, in real time."""
    rows = await tx.fetch(_LAST, workspace_ids=workspace_ids)
    return {row["workspace_id"]: row["begun_at"] for row in rows}


async def begin(tx: Tx, workspace_id: int, *, most: int) -> int:
    """Begin a squash of the subjects that have overrides; return how many they are, 0 begins none."""
    subjects: int = await tx.fetch_value(_CHOOSE, workspace_id=workspace_id, most=most)
    if subjects:
        # after the subjects are locked: no override of theirs with a smaller version is still to come
        await tx.execute(_BEGIN, workspace_id=workspace_id, subjects=subjects)
    return subjects


async def enter(tx: Tx, squash: Squash, phase: Phase, *, left: Phase | None = None) -> None:
    """Take a squash on from the phase it was read in; RuntimeError where another process took it elsewhere."""
    left = left or squash.phase
    moved = await tx.execute(
        _ENTER, workspace_id=squash.workspace_id, squash_no=squash.squash_no, phase=phase, left=left
    )
    if not moved:
        raise RuntimeError(f"squash {squash.squash_no} is not {left} any more")


async def pairs(tx: Tx, workspace_id: int) -> list[tuple[int, int, int]]:
    """Return (subject, person its rows lay under, person they go to) of the open squash."""
    rows = await tx.fetch(_PAIRS, workspace_id=workspace_id)
    return [(row["subject_no"], row["person_no"], row["to_person_no"]) for row in rows]


async def give_up(tx: Tx, squash: Squash) -> None:
    """Leave the old rows as they are; what was copied of them has to go."""
    await tx.execute(_RESTORE, workspace_id=squash.workspace_id)
    await enter(tx, squash, "given_up")


async def settled_subjects(tx: Tx, workspace_id: int) -> list[int]:
    """Return the subjects of the open squash all whose rows say their owner."""
    return [row["subject_no"] for row in await tx.fetch(_SETTLED, workspace_id=workspace_id)]


async def finish(tx: Tx, squash: Squash, *, settled: list[int]) -> None:
    """End a squash; the settled subjects need no override any more, unless they moved meanwhile."""
    await tx.execute(_RETIRE, workspace_id=squash.workspace_id, subject_nos=settled)
    await tx.execute(_FORGET, workspace_id=squash.workspace_id)
    await enter(tx, squash, "finished")


async def forget(tx: Tx, workspace_id: int) -> None:
    """End whatever squash goes on: the columnar rows it was about are wiped."""
    squash = await open_squash(tx, workspace_id)
    if squash is not None:
        await tx.execute(_RESTORE, workspace_id=workspace_id)
        await finish(tx, squash, settled=[])
