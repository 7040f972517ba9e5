"""Per source and day: how many identifiers named somebody, and how many did not, by namespace and reason."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from libs.common.db import Tx, statement

_ADD = statement(
    "insert into identifier_counter as c (workspace_id, source_id, day, namespace, reason, seen)"
    " select * from unnest(:workspace_ids::int[], :source_ids::int[], :days::date[], :namespaces::text[],"
    " :reasons::text[], :counts::bigint[])"
    " on conflict (workspace_id, source_id, day, namespace, reason) do update set seen = c.seen + excluded.seen"
)
_READ = statement(
    "select source_id, namespace, reason, sum(seen)::bigint as seen from identifier_counter"
    " where workspace_id = :workspace_id and day >= :since and day < :until"
    " and (:source_id::int is null or source_id = :source_id)"
    " group by source_id, namespace, reason order by source_id, namespace, reason"
)


class Place(msgspec.Struct, frozen=True, order=True):
    """What is counted apart; `reason` is empty for identifiers that name somebody."""

    workspace_id: int
    source_id: int
    day: date
    namespace: str
    reason: str


class Seen(msgspec.Struct, frozen=True):
    """How often a source sent identifiers of a namespace that were valid, or not for one reason."""

    source_id: int
    namespace: str
    reason: str
    seen: int


async def add(tx: Tx, counts: Mapping[Place, int]) -> None:
    """Add to the counters; the last statement of a batch, since it locks rows every worker writes."""
    if not counts:
        return
    rows = sorted(counts.items())
    await tx.execute(
        _ADD,
        workspace_ids=[place.workspace_id for place, _ in rows],
        source_ids=[place.source_id for place, _ in rows],
        days=[place.day for place, _ in rows],
        namespaces=[place.namespace for place, _ in rows],
        reasons=[place.reason for place, _ in rows],
        counts=[count for _, count in rows],
    )


async def read(tx: Tx, workspace_id: int, since: date, until: date, source_id: int | None = None) -> Sequence[Seen]:
    """Return the counters of the days from `since` to before `until`, added up by source, namespace and reason."""
    rows = await tx.fetch(_READ, workspace_id=workspace_id, since=since, until=until, source_id=source_id)
    return [Seen(**dict(row)) for row in rows]
