"""Links in quarantine as rows: what waits, why, and what was decided about it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.ids import new_id
from services.identity.domain.graph import Hold
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, columns, key, number_of

_HOLD = load_sql(__file__, "hold_links.sql")
_LIST = load_sql(__file__, "list_holds.sql")
_CAUSES = load_sql(__file__, "list_hold_causes.sql")
_OPEN = load_sql(__file__, "list_open_holds.sql")
_ANY = statement(
    "select exists (select from held_link where workspace_id = any(:workspace_ids::int[])) as held,"
    " exists (select from stray_identifier where workspace_id = any(:workspace_ids::int[])) as strays"
)
# Whether a link that was let go is too large is for the rule to say, each time.
_OF = statement(
    "select h.workspace_id, h.low_no, h.high_no,"
    " case when h.state = 'oversized' and h.decided_at is not null then 'free' else h.state end"
    " from unnest(:workspace_ids::int[], :lows::int[], :highs::int[]) as wanted (workspace_id, low_no, high_no)"
    " join held_link h on h.workspace_id = wanted.workspace_id and h.low_no = wanted.low_no"
    " and h.high_no = wanted.high_no"
)
_EFFECTIVE = statement(
    "select low_no, high_no, state as hold"
    " from held_link where workspace_id = :workspace_id and state in ('held', 'throttled', 'released')"
    " and (:low_nos::int[] is null or low_no = any(:low_nos::int[]))"
)
_THEN = statement(
    "select low_no, high_no, case when state = 'released' then 'released' when reason = 'rate' then 'held'"
    " else 'throttled' end as hold"
    " from held_link where workspace_id = :workspace_id and low_no = any(:low_nos::int[])"
    " and case when reason in ('rate', 'source_rate') then held_at <= :at and (decided_at is null or decided_at > :at)"
    " else state = 'released' and decided_at <= :at end"
)
_DECIDE = statement(
    "update held_link h set state = case when :thrown_away then 'thrown_away'"
    " when h.state in ('held', 'throttled') then 'free' else 'released' end, decided_at = :now, author = :author"
    " from unnest(:lows::int[], :highs::int[]) as chosen (low_no, high_no)"
    " where h.workspace_id = :workspace_id and h.low_no = chosen.low_no and h.high_no = chosen.high_no"
    " and h.state in ('held', 'throttled', 'oversized') returning h.low_no, h.high_no"
)
_STRAYS = statement(
    "select s.workspace_id, s.node_no, s.source_id, s.state"
    " from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)"
    " join stray_identifier s on s.workspace_id = wanted.workspace_id and s.node_no = wanted.node_no"
)
_NOTE_STRAYS = statement(
    "insert into stray_identifier as s (workspace_id, node_no, source_id, held_at)"
    " select workspace_id, node_no, source_id, held_at"
    " from unnest(:workspace_ids::int[], :node_nos::int[], :source_ids::int[], :held_ats::timestamptz[])"
    " as found (workspace_id, node_no, source_id, held_at) order by 1, 2, 3"
    " on conflict (workspace_id, node_no, source_id) do update set state = 'open', held_at = excluded.held_at"
    " where s.state = 'thrown_away'"
)
_CLOSE_STRAYS = statement(
    "update stray_identifier set state = :state where workspace_id = :workspace_id and state = 'open'"
    " and node_no = any(:node_nos::int[])"
)

HoldState = Literal["held", "throttled", "oversized", "free", "released", "thrown_away"]

Reason = Literal["rate", "source_rate", "size"]

EFFECTS: dict[HoldState, Hold] = {"held": "held", "throttled": "throttled", "released": "released"}
"""What the rule asks about a link; of the others it decides by itself."""
STATES: dict[Reason, HoldState] = {"rate": "held", "source_rate": "throttled", "size": "oversized"}


@dataclass(slots=True)
class NewHold:
    """A link to keep out: for its `rate` with the identifier and the source behind it, for its `source_rate` with the
    source, or for its `size`."""

    pair: Pair
    reason: Reason
    held_at: datetime
    cause: Key | None = None
    source_id: int | None = None


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """A link in quarantine, or one that was, with the persons its ends belong to now.

    One that is too large may have been let go, as too fast, before: then it says when, and by whom.
    """

    hold_id: UUID
    low_no: int
    high_no: int
    state: HoldState
    reason: Reason
    cause_no: int | None
    source_id: int | None
    held_at: datetime
    decided_at: datetime | None
    author: str | None
    low_person: int
    high_person: int


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier and a source that join too many, or a source alone, with how many links wait for that."""

    node_no: int | None
    source_id: int
    held_at: datetime
    links: int


class Ever(NamedTuple):
    """Whether workspaces ever had a link in quarantine, and an identifier that a source joined to too many."""

    held: bool
    strays: bool


async def ever(tx: Tx, workspace_ids: Collection[int]) -> Ever:
    """Return what need not be asked about: most workspaces never had either."""
    row = await tx.fetch_one(_ANY, workspace_ids=list(workspace_ids))
    return Ever(*row) if row is not None else Ever(held=False, strays=False)


async def of(tx: Tx, pairs: Collection[Pair]) -> dict[Pair, HoldState]:
    """Return what is noted about links; what was let go is `free`, too large or not."""
    workspace_ids, lows = columns(pair[0] for pair in pairs)
    _, highs = columns(pair[1] for pair in pairs)
    rows = await tx.fetch(_OF, workspace_ids=workspace_ids, lows=lows, highs=highs)
    return {(key(row[0], row[1]), key(row[0], row[2])): row[3] for row in rows}


async def effective(
    tx: Tx, workspace_id: int, low_nos: Collection[int] | None = None, *, at: datetime | None = None
) -> dict[tuple[int, int], Hold]:
    """Return the decisions that the rule asks for, by numbers: all, or those of links from some nodes.

    With `at` those that stood at an instant.
    """
    if at is not None:
        rows = await tx.fetch(_THEN, workspace_id=workspace_id, low_nos=list(low_nos or ()), at=at)
    else:
        chosen = None if low_nos is None else list(low_nos)
        rows = await tx.fetch(_EFFECTIVE, workspace_id=workspace_id, low_nos=chosen)
    return {(row["low_no"], row["high_no"]): row["hold"] for row in rows}


async def hold(tx: Tx, found: Sequence[NewHold]) -> None:
    """Note links that are kept out; whoever holds both ends of a link may."""
    if not found:
        return
    ordered = sorted(found, key=lambda one: one.pair)
    workspace_ids, lows = columns(one.pair[0] for one in ordered)
    await tx.execute(
        _HOLD,
        workspace_ids=workspace_ids,
        lows=lows,
        highs=[number_of(one.pair[1]) for one in ordered],
        hold_ids=[new_id() for _ in ordered],
        states=[STATES[one.reason] for one in ordered],
        reasons=[one.reason for one in ordered],
        causes=[number_of(one.cause) if one.cause else None for one in ordered],
        source_ids=[one.source_id for one in ordered],
        held_ats=[one.held_at for one in ordered],
    )


async def strays(tx: Tx, keys: Collection[Key]) -> dict[tuple[Key, int], str]:
    """Return, by identifier and source, the state of those that were found to join too many."""
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_STRAYS, workspace_ids=workspace_ids, node_nos=node_nos)
    return {(key(row[0], row[1]), row[2]): row[3] for row in rows}


async def note_strays(tx: Tx, found: Mapping[tuple[Key, int], datetime]) -> None:
    """Note identifiers that a source joined to too many others."""
    if not found:
        return
    workspace_ids, node_nos = columns(one for one, _ in found)
    sources, held_ats = [source for _, source in found], list(found.values())
    await tx.execute(
        _NOTE_STRAYS, workspace_ids=workspace_ids, node_nos=node_nos, source_ids=sources, held_ats=held_ats
    )


async def open_pairs(
    tx: Tx,
    workspace_id: int,
    *,
    hold_ids: Collection[UUID],
    node_nos: Collection[int],
    source_ids: Collection[int],
    limit: int,
) -> list[Pair]:
    """Return links that wait: those named, those at some nodes, and those for the rate of some sources."""
    rows = await tx.fetch(
        _OPEN, workspace_id=workspace_id, hold_ids=list(hold_ids), node_nos=list(node_nos),
        source_ids=list(source_ids), row_limit=limit,
    )  # fmt: skip
    return [(key(workspace_id, row[0]), key(workspace_id, row[1])) for row in rows]


async def decide(
    tx: Tx, workspace_id: int, pairs: Collection[Pair], *, thrown_away: bool, author: str, now: datetime
) -> list[Pair]:
    """Let links go, or throw them away; return those that had waited until now."""
    lows, highs = [number_of(low) for low, _ in pairs], [number_of(high) for _, high in pairs]
    rows = await tx.fetch(
        _DECIDE, workspace_id=workspace_id, lows=lows, highs=highs, thrown_away=thrown_away, author=author, now=now
    )
    return [(key(workspace_id, row[0]), key(workspace_id, row[1])) for row in rows]


async def close_strays(tx: Tx, workspace_id: int, node_nos: Collection[int], *, thrown_away: bool) -> None:
    """Say that what was said so far of identifiers that joined too many was decided about.

    Once released an identifier may join as many as its source says; thrown away it is found out anew.
    """
    state = "thrown_away" if thrown_away else "released"
    await tx.execute(_CLOSE_STRAYS, workspace_id=workspace_id, state=state, node_nos=list(node_nos))


async def list_rows(
    tx: Tx, *, workspace_id: int, limit: int, state: str | None, reason: str | None, before: UUID | None
) -> list[HoldRow]:
    """Return links in quarantine, newest first; `state` is open, released or thrown_away."""
    rows = await tx.fetch(_LIST, workspace_id=workspace_id, state=state, reason=reason, before=before, row_limit=limit)
    return [HoldRow(**dict(row)) for row in rows]


async def list_causes(tx: Tx, *, workspace_id: int, limit: int, after: tuple[int, int]) -> list[CauseRow]:
    """Return what joined too many and was not decided about, by number (0: sources by themselves) and source."""
    rows = await tx.fetch(_CAUSES, workspace_id=workspace_id, node_no=after[0], source_id=after[1], row_limit=limit)
    return [CauseRow(**dict(row)) for row in rows]
