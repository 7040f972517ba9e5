"""How far a file reaches: the stored regions around what it names, and where it ends at hubs and at the breaker."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from libs.common.db import Tx
from services.identity.domain.breaker import WINDOW
from services.identity.domain.columns import Flags, Ints
from services.identity.domain.foresight import Pairs, Touched, sure_hubs, would_be_held
from services.identity.store import foreseen, holds, links
from services.identity.store.nodes import key, number_of
from services.identity.usecases.graph.foreseen_graph import ForeseenGraph
from services.identity.usecases.graph.load_regions import MOST_HUB_LINKS

AT_ONCE = 5_000

T = TypeVar("T")


async def foresee_regions(tx: Tx, graph: ForeseenGraph) -> dict[int, int]:
    """Find the islands that the rule has to look at; return how many new links the breaker holds, by identifier."""
    graph.twins = [*graph.spellings(), *await foreseen.twins(tx, graph.workspace_id)]
    named = np.flatnonzero(np.array(graph.kinds, dtype=np.int64)[: graph.highest + 1] >= 0).tolist()
    await _walk(tx, graph, named + sorted({one for pair in graph.twins for one in pair if not graph.knows(one)}))
    causes = await _cut(tx, graph)
    await asyncio.to_thread(_put_together, graph)
    return causes


def _put_together(graph: ForeseenGraph) -> None:
    """Make islands of what hangs together, hubs and what would be held apart."""
    low, high, _ = graph.sayings.columns()
    graph.join(pair for pair in zip(low.tolist(), high.tolist(), strict=True) if pair not in graph.held)
    graph.join(
        (low, high)
        for low, high, flags in zip(graph.low, graph.high, graph.flags, strict=True)
        if flags & 4 and (low, high) not in graph.held
    )
    graph.join(graph.twins)


async def _walk(tx: Tx, graph: ForeseenGraph, frontier: Sequence[int]) -> None:
    """Take in the stored links around identifiers, level by level; hubs end the walk."""
    while frontier:
        reached: set[int] = set()
        for some in _some(frontier):
            walked = await _take_nodes(tx, graph, some)
            found = await foreseen.known_links(
                tx, graph.workspace_id, walked, source_id=graph.source_id, since=graph.now - WINDOW,
                through_hubs=graph.policies.reassigns,
            )  # fmt: skip
            for one in found:
                graph.low.append(one.low_no)
                graph.high.append(one.high_no)
                graph.flags.append(one.mine | one.recent << 1 | one.leads << 2)
                reached.update((one.low_no, one.high_no) if one.leads else ())
        frontier = sorted(one for one in reached if not graph.knows(one))


async def _take_nodes(tx: Tx, graph: ForeseenGraph, numbers: Sequence[int]) -> list[int]:
    """Learn what is stored about identifiers; return those that do not end the walk."""
    home, found = graph.workspace_id, await foreseen.known_nodes(tx, graph.workspace_id, numbers)
    for one in found:
        graph.touch(one.node_no, one.namespace)
    shared = {one.node_no for one in found if one.is_shared}
    graph.shared |= shared
    graph.spoken.update(one.node_no for one in found if one.is_spoken_for)
    if shared and graph.policies.reassigns:
        # Silence may give a hub's neighbours to somebody else: a small one is walked.
        degrees = await links.degrees(tx, [key(home, one) for one in shared], MOST_HUB_LINKS + 1)
        shared = {one for one in shared if degrees.get(key(home, one), 0) > MOST_HUB_LINKS}
    graph.edge |= shared
    bridging = [key(home, one.node_no) for one in found if graph.policies.of(one.namespace).bridges]
    for (stray, source_id), state in (await holds.strays(tx, bridging)).items():
        if source_id == graph.source_id:
            graph.strays[number_of(stray)] = state
    return [one.node_no for one in found if one.node_no not in shared]


async def _cut(tx: Tx, graph: ForeseenGraph) -> dict[int, int]:
    """Note what the breaker would hold and which hubs the file makes; return the new links held by identifier."""
    pairs, touched, held, causes = await asyncio.to_thread(_held, graph)
    chosen = set(zip(pairs.low[held].tolist(), pairs.high[held].tolist(), strict=True))
    decided: set[tuple[int, int]] = set()
    home = graph.workspace_id
    for some in _some(sorted(chosen)):
        known = await holds.of(tx, [(key(home, low), key(home, high)) for low, high in some])
        decided.update(
            (number_of(low), number_of(high)) for (low, high), state in known.items()
            if state in {"held", "throttled", "free", "released"}
        )  # fmt: skip
    graph.held = chosen - decided
    fresh = held & pairs.fresh
    graph.fresh_held = graph.held & set(zip(pairs.low[fresh].tolist(), pairs.high[fresh].tolist(), strict=True))
    hubs = sure_hubs(pairs, held, touched, graph.policies, graph.now)
    graph.edge.update(np.flatnonzero(hubs).tolist())
    by_cause = dict.fromkeys(causes.tolist(), 0)
    for pair in graph.fresh_held:
        for one in pair:
            if one in by_cause:
                by_cause[one] += 1
    return by_cause


def _held(graph: ForeseenGraph) -> tuple[Pairs, Touched, Flags, Ints]:
    _touch_far_ends(graph)
    pairs, touched = graph.pairs(), graph.touched()
    return pairs, touched, *would_be_held(pairs, touched, graph.policies)


def _touch_far_ends(graph: ForeseenGraph) -> None:
    """Leave out stored links to what the walk did not come to: nothing is known of their far ends."""
    keep = [graph.knows(low) and graph.knows(high) for low, high in zip(graph.low, graph.high, strict=True)]
    for column in (graph.low, graph.high, graph.flags):
        column[:] = type(column)(column.typecode, (one for one, kept in zip(column, keep, strict=True) if kept))


def _some(many: Sequence[T]) -> Iterator[Sequence[T]]:
    return (many[first : first + AT_ONCE] for first in range(0, len(many), AT_ONCE))
