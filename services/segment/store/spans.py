"""Subjects that are one person's now and were another's then: what was told, and who owned what they did when."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx, statement
from libs.common.painting import BEGINNING, Interval

_LOCK = statement("select pg_advisory_xact_lock(7304, :workspace_id::int)")
_TIMED = statement(
    """
    select distinct subject_no from segment.ownership_fact
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    """
)
_SEED = statement(
    """
    insert into segment.ownership_fact (workspace_id, subject_no, version, since, until, person_no)
    select workspace_id, subject_no, version, :beginning::timestamptz, null, person_no from segment.subject
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    on conflict do nothing
    """
)
_ADD = statement(
    """
    insert into segment.ownership_fact (workspace_id, subject_no, version, since, until, person_no)
    select :workspace_id::int, given.subject_no, given.version, given.since, given.until, given.person_no
    from unnest(
        :subject_nos::bigint[], :versions::bigint[], :sinces::timestamptz[], :untils::timestamptz[], :person_nos::int[]
    ) as given (subject_no, version, since, until, person_no)
    order by given.subject_no, given.version, given.since
    on conflict do nothing
    """
)
_FACTS = statement(
    """
    select fact.subject_no, fact.version, fact.since, fact.until, fact.person_no from segment.ownership_fact as fact
    where fact.workspace_id = :workspace_id::int and fact.subject_no = any(:subject_nos::bigint[])
      and not exists (
          select from segment.subject where subject.workspace_id = fact.workspace_id
            and subject.subject_no = fact.subject_no and subject.person_no = 0
      )
    """
)
_SPANS = statement(
    """
    select subject_no, since, told_no, person_no from segment.ownership_span
    where workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])
    order by subject_no, since
    """
)
_THEIRS = "workspace_id = :workspace_id::int and subject_no = any(:subject_nos::bigint[])"
_FORGET_SPANS = statement(f"delete from segment.ownership_span where {_THEIRS}")
_FORGET_FACTS = statement(f"delete from segment.ownership_fact where {_THEIRS}")
_KEEP = statement(
    """
    insert into segment.ownership_span (workspace_id, subject_no, since, told_no, person_no)
    select :workspace_id::int, given.subject_no, given.since, given.told_no, given.person_no
    from unnest(:subject_nos::bigint[], :sinces::timestamptz[], :told_nos::int[], :person_nos::int[])
        as given (subject_no, since, told_no, person_no)
    """
)
_SETTLE = statement(
    """
    update segment.ownership_span as span set person_no = given.present
    from unnest(:person_nos::int[], :presents::int[]) as given (person_no, present)
    where span.workspace_id = :workspace_id::int and span.person_no <> given.present
      and (span.told_no = given.person_no or (span.person_no = given.person_no and given.present <> given.person_no))
    returning span.subject_no
    """
)
_EVERY = statement("select distinct subject_no from segment.ownership_span where workspace_id = :workspace_id::int")
_VERSION = statement("select nextval('segment.override_version')")


@dataclass(frozen=True, slots=True)
class OwnershipFact:
    """A subject belongs to a person for events in [since, until); None is without an end. `naming`: it names him."""

    subject_no: int
    person_no: int
    version: int
    since: datetime | None = None
    until: datetime | None = None
    naming: bool = False

    @property
    def is_timed(self) -> bool:
        """Whether it says anything of a part of time only."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on, until the next span, a subject's events are `person_no`'s, told to be `told_no`'s."""

    subject_no: int
    since: datetime
    told_no: int
    person_no: int


async def hold(tx: Tx, workspace_id: int) -> None:
    """Change spans of the workspace alone until the commit; taken before any subject is."""
    await tx.execute(_LOCK, workspace_id=workspace_id)


async def timed_among(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> set[int]:
    """Return the subjects that were ever told of by time."""
    rows = await tx.fetch(_TIMED, workspace_id=workspace_id, subject_nos=list(subject_nos))
    return {row["subject_no"] for row in rows}


async def seed(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> None:
    """Take what is known of subjects so far as the first facts about them."""
    await tx.execute(_SEED, workspace_id=workspace_id, subject_nos=list(subject_nos), beginning=BEGINNING)


async def add(tx: Tx, workspace_id: int, facts: Sequence[OwnershipFact]) -> None:
    """Add facts to the set."""
    await tx.execute(
        _ADD,
        workspace_id=workspace_id,
        subject_nos=[fact.subject_no for fact in facts],
        versions=[fact.version for fact in facts],
        sinces=[fact.since or BEGINNING for fact in facts],
        untils=[fact.until for fact in facts],
        person_nos=[fact.person_no for fact in facts],
    )


async def facts_of(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> dict[int, list[OwnershipFact]]:
    """Return all that was told of subjects; nothing of those that were erased."""
    found: dict[int, list[OwnershipFact]] = {}
    for row in await tx.fetch(_FACTS, workspace_id=workspace_id, subject_nos=list(subject_nos)):
        since = None if row["since"] == BEGINNING else row["since"]
        fact = OwnershipFact(row["subject_no"], row["person_no"], row["version"], since, row["until"])
        found.setdefault(fact.subject_no, []).append(fact)
    return found


async def spans_of(tx: Tx, workspace_id: int, subject_nos: Collection[int]) -> dict[int, list[Span]]:
    """Return the spans of subjects, by time."""
    found: dict[int, list[Span]] = {}
    for row in await tx.fetch(_SPANS, workspace_id=workspace_id, subject_nos=list(subject_nos)):
        found.setdefault(row["subject_no"], []).append(Span(**dict(row)))
    return found


def owner_then(mine: Sequence[Span], at: datetime) -> int:
    """Return who owned a subject with these spans at an event time, 0 where it has none."""
    return next((span.person_no for span in reversed(mine) if span.since <= at), 0)


async def replace(
    tx: Tx, workspace_id: int, painted: Mapping[int, Sequence[Interval]], present: Mapping[int, int]
) -> None:
    """Replace the spans of subjects; `present` is who merged persons are now."""
    await tx.execute(_FORGET_SPANS, workspace_id=workspace_id, subject_nos=list(painted))
    rows = [(subject_no, one) for subject_no, intervals in painted.items() for one in intervals]
    await tx.execute(
        _KEEP,
        workspace_id=workspace_id,
        subject_nos=[subject_no for subject_no, _ in rows],
        sinces=[one.valid_from for _, one in rows],
        told_nos=[one.person_no for _, one in rows],
        person_nos=[present.get(one.person_no, one.person_no) for _, one in rows],
    )


async def settle(tx: Tx, workspace_id: int, present: Mapping[int, int]) -> set[int]:
    """Let spans follow persons to whom these are now (back to themselves, too); return the subjects that changed."""
    rows = await tx.fetch(_SETTLE, workspace_id=workspace_id, person_nos=list(present), presents=list(present.values()))
    return {row["subject_no"] for row in rows}


async def forget(tx: Tx, workspace_id: int, subject_nos: Iterable[int]) -> None:
    """Forget what was told of erased subjects."""
    gone = list(subject_nos)
    await tx.execute(_FORGET_SPANS, workspace_id=workspace_id, subject_nos=gone)
    await tx.execute(_FORGET_FACTS, workspace_id=workspace_id, subject_nos=gone)


async def every_subject(tx: Tx, workspace_id: int) -> list[int]:
    """Return the subjects with spans."""
    return [row["subject_no"] for row in await tx.fetch(_EVERY, workspace_id=workspace_id)]


async def next_version(tx: Tx) -> int:
    """Return the number of the next rows that tell the columnar store of owners."""
    return int(await tx.fetch_value(_VERSION))
