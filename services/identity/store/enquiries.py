"""Ids about which another system is asked: each once, in the order they came due."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from libs.common.db import Tx, statement
from libs.common.personal import Sealer

_ADD = statement(
    "insert into enquiry (workspace_id, source_id, lookup, sealed, changed_at)"
    " select :workspace_id, :source_id, lookup, sealed, :now"
    " from unnest(:lookups::bytea[], :sealed::bytea[]) as asked (lookup, sealed)"
    " on conflict (workspace_id, source_id, lookup) do update set"
    " sealed = excluded.sealed, state = 'waiting', tries = 0, changed_at = excluded.changed_at"
    " where enquiry.state in ('unknown', 'given_up') and enquiry.changed_at < excluded.changed_at - interval '1 day'"
    " returning lookup"
)
_QUEUE = statement(
    "insert into enquiry_queue (workspace_id, source_id, lookup, due_at)"
    " select :workspace_id, :source_id, lookup, :due_at from unnest(:lookups::bytea[]) as asked (lookup)"
    " on conflict do nothing"
)
_DUE = statement(
    "select workspace_id, source_id, lookup from enquiry_queue where due_at <= :now"
    " order by due_at limit :most for update skip locked"
)
_LATER = statement(
    "update enquiry_queue set due_at = :due_at, in_hand = :in_hand"
    " where workspace_id = :workspace_id and source_id = :source_id and lookup = :lookup"
)
_READ = statement(
    "select sealed, tries from enquiry"
    " where workspace_id = :workspace_id and source_id = :source_id and lookup = :lookup and state = 'waiting'"
)
_SETTLE = statement(
    "update enquiry set state = :state, reason = :reason, tries = tries + 1, changed_at = :now,"
    " sealed = case when :state = 'waiting' then sealed else ''::bytea end"
    " where workspace_id = :workspace_id and source_id = :source_id and lookup = :lookup"
)
_DONE = statement(
    "delete from enquiry_queue where workspace_id = :workspace_id and source_id = :source_id and lookup = :lookup"
)
_COUNT = statement(
    "select count(*) from enquiry_queue where workspace_id = :workspace_id and (due_at <= :now or in_hand)"
)
LEASE = timedelta(seconds=60)
"""For how long a claimed enquiry is nobody else's."""


class Claim(msgspec.Struct, frozen=True):
    """An enquiry somebody has in hand."""

    workspace_id: int
    source_id: int
    lookup: bytes


async def add(
    tx: Tx, workspace_id: int, source_id: int, ids: Sequence[str], sealer: Sealer, now: datetime, due_at: datetime
) -> int:
    """Note ids to ask about; return how many are new.

    Those that were asked about are not again, but a day after an answer that told nothing: an account may join an open
    platform late.
    """
    scope = f"enquiry\0{source_id}"
    fresh = await tx.fetch(
        _ADD,
        workspace_id=workspace_id,
        source_id=source_id,
        lookups=[sealer.lookup(scope, one.encode()) for one in ids],
        sealed=[sealer.seal(one.encode()) for one in ids],
        now=now,
    )
    lookups = [bytes(row["lookup"]) for row in fresh]
    if lookups:
        await tx.execute(_QUEUE, workspace_id=workspace_id, source_id=source_id, lookups=lookups, due_at=due_at)
    return len(lookups)


async def claim(tx: Tx, most: int, now: datetime) -> list[Claim]:
    """Take due enquiries in hand for a while (worker role); the times are the wall clock's."""
    claims = [
        Claim(row["workspace_id"], row["source_id"], bytes(row["lookup"]))
        for row in await tx.fetch(_DUE, now=now, most=most)
    ]
    for one in claims:  # a handful a round, each followed by a call to another system
        await tx.execute(_LATER, due_at=now + LEASE, in_hand=True, **msgspec.structs.asdict(one))
    return claims


async def read(tx: Tx, one: Claim, sealer: Sealer) -> tuple[str, int] | None:
    """Return the id in an enquiry and how often it was tried; None when it is settled."""
    row = await tx.fetch_one(_READ, **msgspec.structs.asdict(one))
    return (sealer.open(row["sealed"]).decode(), row["tries"]) if row is not None else None


async def settle(tx: Tx, one: Claim, *, state: str, reason: str, now: datetime, due_at: datetime | None) -> None:
    """Say what became of an enquiry; with `due_at` it is tried again then."""
    named = msgspec.structs.asdict(one)
    await tx.execute(_SETTLE, state=state, reason=reason, now=now, **named)
    if due_at is None:
        await tx.execute(_DONE, **named)
    else:
        await tx.execute(_LATER, due_at=due_at, in_hand=False, **named)


async def waiting(tx: Tx, workspace_id: int, now: datetime) -> int:
    """Return how many enquiries of a workspace are due or in hand (worker role)."""
    return int(await tx.fetch_value(_COUNT, workspace_id=workspace_id, now=now))
