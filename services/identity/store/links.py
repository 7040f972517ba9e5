"""Links as rows: one per pair and consent basis, merged by maxima so that no order of writers matters."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.db.as_text import Instants, numbers, words
from services.identity.domain.graph import WAITS
from services.identity.domain.links import LinkFacts
from services.identity.store.nodes import Key, columns, sparse

_AROUND = load_sql(__file__, "links_around.sql")
_STATES = load_sql(__file__, "link_states.sql")
_DEGREES = load_sql(__file__, "link_degrees.sql")
_OF_HUB = load_sql(__file__, "links_of_hub.sql")
_MERGE = load_sql(__file__, "merge_links.sql")
_DECIDE = load_sql(__file__, "decide_links.sql")
_DROP = load_sql(__file__, "drop_links.sql")
_SUPERSEDED = load_sql(__file__, "superseded_nodes.sql")
_SUPERSEDING = load_sql(__file__, "superseding_links.sql")

_COLUMNS = (
    "l.workspace_id, l.low_no, l.high_no, l.basis, l.state, l.reason, l.blocker_low, l.blocker_high,"
    " l.seen_0, l.seen_1, l.seen_2, l.seen_3, l.seen_4, l.void_0, l.void_1, l.void_2, l.void_3, l.void_4,"
    " l.retracted_at, l.must_at, l.cannot_at, l.replaced_low_at, l.replaced_high_at, l.logout_at,"
    " l.first_at, l.arrived_at, l.evidence_count, l.sources"
)
_BASIS, _SOURCES = 3, 27
_DECIDED, _SEEN, _VOID, _TIMES_AND_COUNT = slice(3, 8), slice(8, 13), slice(13, 18), slice(18, 27)
"""Where they stand in a record of _COLUMNS: rows are taken apart by position, in the order of LinkFacts."""
_OF = statement(
    f"select {_COLUMNS}"
    " from unnest(:workspace_ids::int[], :lows::int[], :highs::int[]) as wanted (workspace_id, low_no, high_no)"
    " join link l on l.workspace_id = wanted.workspace_id and l.low_no = wanted.low_no and l.high_no = wanted.high_no"
)

Pair = tuple[Key, Key]
"""The two ends of a link, the lower key first."""

SEEN = tuple(f"seen_{tier}" for tier in range(5))
VOID = tuple(f"void_{tier}" for tier in range(5))


class LinkRow(msgspec.Struct, gc=False):
    """What became of a pair under one basis, and the facts behind it."""

    basis: str
    facts: LinkFacts
    state: str | None
    reason: str
    blockers: tuple[int | None, int | None]

    @property
    def is_held(self) -> bool:
        """Whether the link waits in quarantine for somebody's decision about a rate."""
        return self.state == "quarantined" and self.reason in AWAITED


class Decision(msgspec.Struct, gc=False):
    """The outcome of a pair, for all its bases."""

    pair: Pair
    state: str | None
    reason: str
    blocker_low: int | None
    blocker_high: int | None


AWAITED = frozenset(one.reason for one in WAITS)
"""Why links wait for somebody's decision, and count for nothing until then."""
UNDECIDED = Decision((0, 0), None, "", None, None)


def _facts(record: Record) -> LinkFacts:
    facts: tuple[Any, ...] = (*record[_TIMES_AND_COUNT], frozenset(record[_SOURCES]))
    return LinkFacts(list(record[_SEEN]), list(record[_VOID]), *facts)


def _pair(record: Record) -> Pair:
    base = record[0] << 32
    return base | record[1], base | record[2]


def _placed(record: Record) -> tuple[Pair, LinkRow]:
    basis, state, reason, low, high = record[_DECIDED]
    return _pair(record), LinkRow(basis, _facts(record), state, reason, (low, high))


async def around(
    tx: Tx,
    keys: Collection[Key],
    *,
    held: bool = True,
    known: Mapping[Pair, Mapping[str, LinkRow]] | None = None,
    read_from: Collection[Key] = (),
) -> list[tuple[Pair, LinkRow]]:
    """Return every link that touches one of the nodes; a link between two of them comes twice.

    Without `held` those are left out that wait in quarantine for a rate: they count for nothing. What keeps two
    apart is told all the same. Links to nodes they were `read_from` before are left out, and what is `known` already
    is not taken apart again.
    """
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_AROUND, workspace_ids=workspace_ids, node_nos=node_nos, held=held, read_from=list(read_from))
    if not known:
        return [_placed(record) for record in rows]
    found: list[tuple[Pair, LinkRow]] = []
    for record in rows:
        pair = _pair(record)
        row = known[pair].get(record[_BASIS]) if pair in known else None
        found.append(_placed(record) if row is None else (pair, row))
    return found


async def rows_of(tx: Tx, pairs: Collection[Pair]) -> list[tuple[Pair, LinkRow]]:
    """Return the links between the ends of pairs."""
    workspace_ids, lows = columns(pair[0] for pair in pairs)
    _, highs = columns(pair[1] for pair in pairs)
    return [_placed(one) for one in await tx.fetch(_OF, workspace_ids=workspace_ids, lows=lows, highs=highs)]


async def forget_states(tx: Tx, pairs: Collection[Pair]) -> None:
    """Have links decided about anew, as if nothing had been decided yet."""
    await decide(tx, [Decision(pair, None, "", None, None) for pair in pairs])


async def some_rows(tx: Tx, one: Key, most: int) -> list[tuple[Pair, LinkRow]]:
    """Return some links that touch a node: up to `most` from either end."""
    rows = await tx.fetch(_OF_HUB, workspace_id=one >> 32, node_no=one & 0xFFFF_FFFF, most=most)
    return [_placed(row) for row in rows]


async def some(tx: Tx, one: Key, most: int) -> dict[Pair, dict[str, LinkFacts]]:
    """Return the facts, by basis, of some links that touch a node: up to `most` from either end."""
    found = dict[Pair, dict[str, LinkFacts]]()
    for row in await tx.fetch(_OF_HUB, workspace_id=one >> 32, node_no=one & 0xFFFF_FFFF, most=most):
        found.setdefault(_pair(row), {})[row[_BASIS]] = _facts(row)
    return found


async def superseded(tx: Tx, keys: Collection[Key]) -> set[Key]:
    """Return those nodes that anything ever superseded."""
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_SUPERSEDED, workspace_ids=workspace_ids, node_nos=node_nos)
    return {row["workspace_id"] << 32 | row["node_no"] for row in rows}


async def superseding(tx: Tx, keys: Collection[Key]) -> set[Pair]:
    """Return the links by which nodes were superseded, ever."""
    workspace_ids, node_nos = columns(keys)
    return {_pair(row) for row in await tx.fetch(_SUPERSEDING, workspace_ids=workspace_ids, node_nos=node_nos)}


async def degrees(tx: Tx, keys: Collection[Key], most: int) -> dict[Key, int]:
    """Return how many links touch each node, counted up to `most` from either end."""
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_DEGREES, workspace_ids=workspace_ids, node_nos=node_nos, most=most)
    return {row["workspace_id"] << 32 | row["node_no"]: row["degree"] for row in rows}


async def states(tx: Tx, pairs: Collection[Pair]) -> dict[tuple[Pair, str], str | None]:
    """Return the state by (pair, basis) of those links that exist."""
    found: dict[tuple[Pair, str], str | None] = {}
    for workspace_id, low, high, basis, state in await tx.fetch(
        _STATES,
        workspace_ids=numbers([low >> 32 for low, _ in pairs]),
        lows=numbers([low & 0xFFFF_FFFF for low, _ in pairs]),
        highs=numbers([high & 0xFFFF_FFFF for _, high in pairs]),
    ):
        base = workspace_id << 32
        found[(base | low, base | high), basis] = state
    return found


async def merge(
    tx: Tx, facts: Mapping[tuple[Pair, str], LinkFacts], decided: Mapping[Pair, Decision] | None = None
) -> None:
    """Add facts to links, which are made where absent; of such was `decided` what becomes of them."""
    if not facts:
        return
    # One order for all writers; the rows of one pair lie together.
    ordered = sorted(facts.items(), key=lambda item: item[0])
    said = [one for _, one in ordered]
    outcomes = [decided.get(pair, UNDECIDED) for (pair, _), _ in ordered] if decided else []
    instants = Instants()
    await tx.execute(
        _MERGE,
        workspace_ids=numbers([low >> 32 for ((low, _), _), _ in ordered]),
        lows=numbers([low & 0xFFFF_FFFF for ((low, _), _), _ in ordered]),
        highs=numbers([high & 0xFFFF_FFFF for ((_, high), _), _ in ordered]),
        bases=words([basis for (_, basis), _ in ordered]),
        **{name: instants.column([one.seen[tier] for one in said]) for tier, name in enumerate(SEEN)},
        **{name: sparse([one.void[tier] for one in said]) for tier, name in enumerate(VOID)},
        retracted_at=sparse([one.retracted_at for one in said]),
        must_at=sparse([one.must_at for one in said]),
        cannot_at=sparse([one.cannot_at for one in said]),
        replaced_low_at=sparse([one.replaced_low_at for one in said]),
        replaced_high_at=sparse([one.replaced_high_at for one in said]),
        logout_at=sparse([one.logout_at for one in said]),
        first_at=instants.column([one.first_at for one in said]),
        arrived_at=instants.column([one.arrived_at for one in said]),
        instants=instants.listed,
        counts=numbers([one.evidence_count for one in said]),
        sources=";".join([numbers(sorted(one.sources)) for one in said]),
        states=sparse([one.state for one in outcomes]),
        reasons=sparse([one.reason or None for one in outcomes]),
        blocker_lows=sparse([one.blocker_low for one in outcomes]),
        blocker_highs=sparse([one.blocker_high for one in outcomes]),
    )


async def decide(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Write the outcome of links."""
    if not decisions:
        return
    workspace_ids, lows = columns(one.pair[0] for one in decisions)
    _, highs = columns(one.pair[1] for one in decisions)
    await tx.execute(
        _DECIDE,
        workspace_ids=workspace_ids,
        lows=lows,
        highs=highs,
        states=[one.state for one in decisions],
        reasons=[one.reason for one in decisions],
        blocker_lows=sparse([one.blocker_low for one in decisions]),
        blocker_highs=sparse([one.blocker_high for one in decisions]),
    )


async def drop(tx: Tx, pairs: Collection[Pair]) -> None:
    """Delete links, to add their evidence up anew."""
    workspace_ids, lows = columns(pair[0] for pair in pairs)
    _, highs = columns(pair[1] for pair in pairs)
    await tx.execute(_DROP, workspace_ids=workspace_ids, lows=lows, highs=highs)


def ends(pairs: Collection[Pair]) -> set[Key]:
    """Return the nodes that links touch."""
    return set(chain.from_iterable(pairs))
