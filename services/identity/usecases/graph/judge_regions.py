"""Regions copied with what a file says of them, and the rule run over the copy: nothing is locked, nothing written."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
import numpy as np

from libs.common.db import Tx
from services.identity.domain.breaker import minute_of
from services.identity.domain.columns import EPOCH, Ints
from services.identity.domain.evidence import DECIDED, Evidence
from services.identity.domain.forecast import Judged, Tally
from services.identity.domain.links import LinkFacts, facts_of, latest
from services.identity.domain.sayings import instant
from services.identity.domain.twins import ALWAYS, TWIN_SOURCE
from services.identity.store import foreseen, links, nodes
from services.identity.store.links import Pair, ends
from services.identity.store.nodes import Key, key, number_of
from services.identity.usecases.graph.assign_regions import Outcome, assign_regions
from services.identity.usecases.graph.assign_within_rates import joinings, within
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.foreseen_graph import ForeseenGraph
from services.identity.usecases.graph.load_regions import load_between_hubs, put_node, read_edge
from services.identity.usecases.graph.load_supersedes import load_supersedes
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.trip_breaker import learn_holds

TOGETHER = 2_000
"""Identifiers of whole regions that are looked at together."""
LARGEST = 200_000
"""A region of more identifiers is not looked at: it would take half a gigabyte."""
_NOBODYS = UUID(int=0)


async def judge_regions(tx: Tx, tools: GraphTools, graph: ForeseenGraph, tally: Tally) -> None:
    """Add up what becomes of all regions of a graph, some at a time."""
    # What looks at all of a file, or runs the rule over thousands of identifiers, would hold the event loop.
    batches = await asyncio.to_thread(lambda: [array("i", numbers) for numbers in graph.islands.batches(TOGETHER)])
    share = await asyncio.to_thread(_Shares, graph, batches)
    rate = _Rate(graph)
    for place, numbers in enumerate(batches):
        if len(numbers) > LARGEST:
            tally.found.unjudged_regions += 1
            tally.found.unjudged_identifiers += len(numbers)
            continue
        batch = await _copied(tx, tools, graph, numbers, share.of(place))
        mine = {one for one in (key(graph.workspace_id, number) for number in numbers) if one in batch.nodes}
        decided = {one for one in mine if number_of(one) not in graph.edge}
        outcome = await asyncio.to_thread(rate.assign, batch, decided)
        tally.found.held += len(rate.held)
        tally.add(_judged(graph, batch, outcome, mine, decided))


class _Rate:
    """What the source may still merge, all of the file arriving within one minute; `held` is beyond that."""

    def __init__(self, graph: ForeseenGraph) -> None:
        self._meter = graph.workspace_id, graph.source_id, minute_of(graph.now)
        self._most = graph.policies.safeguards.merges_per_minute
        self._merged = 0
        self.held: Collection[Pair] = ()

    def assign(self, batch: Batch, decided: set[Key]) -> Outcome:
        """Run the rule over regions, without what the breaker would hold of them."""
        outcome = assign_regions(batch, decided)
        if self._most is None:
            return outcome
        new = {
            pair: msgspec.structs.replace(one, at=EPOCH, meters=(self._meter,)) for pair, one in joinings(batch).items()
        }
        found = within(batch, decided, outcome, new, {self._meter: self._most - self._merged})
        self._merged += found.charged[self._meter]
        self.held = found.held
        return found.outcome


class _Shares:
    """Which of the file's pairs, of those named alone and of twins belong to which batch of regions."""

    def __init__(self, graph: ForeseenGraph, batches: Sequence["array[int]"]) -> None:
        place = np.full(len(graph.kinds), -1, dtype=np.int64)
        for number, batch in enumerate(batches):
            place[np.array(batch, dtype=np.int64)] = number
        said = graph.sayings
        low, high = np.array(said.low, dtype=np.int64), np.array(said.high, dtype=np.int64)
        self._pairs = _Sorted(place[graph.owners(low, high)])
        self._alone = _Sorted(place[np.array(said.alone, dtype=np.int64)])
        twins = np.array(graph.twins, dtype=np.int64).reshape(-1, 2)
        self._twins = _Sorted(place[graph.owners(twins[:, 0], twins[:, 1])])

    def of(self, batch: int) -> tuple[list[int], list[int], list[int]]:
        """Return the positions of pairs, of those named alone, and of twins."""
        return self._pairs.at(batch), self._alone.at(batch), self._twins.at(batch)


class _Sorted:
    """Positions by what stands at them."""

    def __init__(self, values: Ints) -> None:
        self._order = np.argsort(values, kind="stable")
        self._values = values[self._order]

    def at(self, value: int) -> list[int]:
        first, last = np.searchsorted(self._values, [value, value + 1])
        found: list[int] = self._order[first:last].tolist()
        return found


async def _copied(
    tx: Tx, tools: GraphTools, graph: ForeseenGraph, numbers: Sequence[int], share: tuple[list[int], ...]
) -> Batch:
    """Return regions as the live path would have them in hand: identifiers, stored links, what the file adds."""
    home = graph.workspace_id
    batch = Batch((), {home: graph.policies}, {home: graph.now})
    await _take_nodes(tx, tools, graph, batch, numbers)
    batch.fresh = {one for one in batch.nodes if number_of(one) > graph.highest}
    walked = [one for one in batch.nodes if one not in batch.fresh and number_of(one) not in graph.edge]
    for pair, row in await links.around(tx, walked, held=False) if walked else ():
        batch.links.setdefault(pair, {})[row.basis] = row
    await asyncio.to_thread(_add_up, graph, batch, share)
    far = {number_of(one) for one in ends([*batch.links, *(pair for pair, _ in batch.added)]) if one not in batch.nodes}
    inside = set(batch.nodes)
    await _take_nodes(tx, tools, graph, batch, sorted(far))
    batch.watched = {one for one in batch.nodes if one not in inside or number_of(one) in graph.edge}
    for one in batch.watched:
        batch.nodes[one].is_shared |= number_of(one) in graph.edge
    _drop_what_is_gone(batch)
    await load_between_hubs(tx, batch)
    await load_supersedes(tx, batch, {one for one in inside if number_of(one) not in graph.edge})
    await read_edge(tx, batch, tools, batch.distant)
    await learn_holds(tx, batch)
    held = {(key(home, low), key(home, high)) for low, high in graph.held - graph.fresh_held} & batch.links.keys()
    batch.holds |= dict.fromkeys(held, "held")
    return batch


async def _take_nodes(tx: Tx, tools: GraphTools, graph: ForeseenGraph, batch: Batch, numbers: Sequence[int]) -> None:
    stored = [key(graph.workspace_id, one) for one in numbers if one <= graph.highest]
    new = [one for one in numbers if one > graph.highest]
    rows = await nodes.read(tx, stored) if stored else []
    rows += await foreseen.read(tx, graph.workspace_id, new) if new else []
    for row in rows:
        put_node(batch, tools, row)


def _add_up(graph: ForeseenGraph, batch: Batch, share: tuple[list[int], ...]) -> None:
    """Add what the file says of regions, links that the breaker would hold left out."""
    said, home = graph.sayings, graph.workspace_id
    pairs, alone, twins = share
    for at in pairs:
        numbers = said.low[at], said.high[at]
        if numbers not in graph.fresh_held:
            _add(batch, home, numbers, said.bases[said.basis[at]] or "", _fact(graph, said.at[at]))
    for at in alone:
        one = key(home, said.alone[at])
        newest = latest(batch.alone.get(one), instant(said.alone_at[at]))
        if newest is not None:
            batch.alone[one] = newest
    for at in twins:
        low, high = sorted(graph.twins[at])
        _add(batch, home, (low, high), "", _twin(graph))


def _add(batch: Batch, home: int, numbers: tuple[int, int], basis: str, said: Evidence) -> None:
    name = (key(home, numbers[0]), key(home, numbers[1])), basis
    facts: LinkFacts = facts_of(said, old_is_low=True)
    known = batch.added.setdefault(name, facts)
    if known is not facts:
        known.merge(facts)


def _fact(graph: ForeseenGraph, microseconds: int) -> Evidence:
    at = instant(microseconds)
    return Evidence(
        event_id=_NOBODYS, source_id=graph.source_id, kind="import", tier=graph.tier, event_time=at,
        first_received_at=max(graph.now, at), identifiers=(),
    )  # fmt: skip


def _twin(graph: ForeseenGraph) -> Evidence:
    return Evidence(
        event_id=_NOBODYS, source_id=TWIN_SOURCE, kind="bind", tier=DECIDED, event_time=ALWAYS,
        first_received_at=graph.now, identifiers=(),
    )  # fmt: skip


def _drop_what_is_gone(batch: Batch) -> None:
    """Leave out links to identifiers that were erased while this was read."""
    for pair in [one for one in batch.links if not batch.nodes.keys() >= set(one)]:
        del batch.links[pair]
    for name in [one for one in batch.added if not batch.nodes.keys() >= set(one[0])]:
        del batch.added[name]


def _judged(graph: ForeseenGraph, batch: Batch, outcome: Outcome, mine: set[Key], decided: set[Key]) -> Judged:
    groups = [[number_of(one) for one in group] for group in outcome.groups if group]
    groups += [[number_of(one)] for one in mine - decided]
    changes, joining = Counter[tuple[str, str]](), list[tuple[int, int]]()
    for one in outcome.decisions:
        was, becomes = _state(batch, one.pair), _told(one.state, one.reason)
        low, high = number_of(one.pair[0]), number_of(one.pair[1])
        if was == becomes or key(graph.workspace_id, graph.owner_of(low, high)) not in mine:
            continue
        changes[was, becomes] += 1
        if becomes == "active":
            joining.append((low, high))
    return Judged(
        groups=groups,
        owner={number_of(one): row.person_no for one, row in batch.nodes.items() if one in mine},
        single=frozenset(number_of(one) for one in mine if graph.policies.of(batch.names[one].namespace).is_singleton),
        links=changes,
        joining=joining,
    )


def _state(batch: Batch, pair: Pair) -> str:
    stored = next(iter(batch.links.get(pair, {}).values()), None)
    return _told(stored.state, stored.reason) if stored is not None else _told(None, "")


def _told(state: str | None, reason: str) -> str:
    if state is None:
        return "absent"
    return f"{state}({reason})" if reason else state
