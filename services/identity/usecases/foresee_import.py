"""A file tried on a copy of the graph: what taking it would do to persons, exactly, without doing any of it."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import numpy as np

from libs.common.access.model import Source
from libs.common.db import Tx
from services.identity.domain.forecast import WORST, Forecast, Tally, WorstIdentifier
from services.identity.domain.import_rows import Chunk
from services.identity.domain.tracking_plan import TrackingPlan
from services.identity.store import foreseen
from services.identity.usecases.graph.foresee_regions import foresee_regions
from services.identity.usecases.graph.foreseen_graph import ForeseenGraph
from services.identity.usecases.graph.judge_regions import judge_regions
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.read_sayings import read_sayings


async def foresee_import(
    tx: Tx,
    tools: GraphTools,
    chunks: AsyncIterator[Chunk],
    *,
    source: Source,
    plan: TrackingPlan | None,
    now: datetime,
    progress: Callable[[int], Awaitable[None]],
) -> Forecast:
    """Return what a source's file would do; `progress` hears of the last row read. `tx` is a session's.

    The rule is that of the live path (assign_regions.py), run over whole regions: those that the file names, with all
    that is stored around them, and what the file adds. They are looked at some thousand identifiers at a time.
    """
    home = source.workspace_id
    policies = await tools.present_policies(tx, home)
    highest = await foreseen.make(tx, home)
    graph = ForeseenGraph(home, source.source_id, policies, now, highest)
    tally = Tally()
    found = tally.found
    async for chunk in chunks:
        await read_sayings(tx, tools, graph, chunk, source, plan, found)
        await progress(chunk.last)
    causes = await foresee_regions(tx, graph)
    found.identifiers = sum(kind >= 0 for kind in graph.kinds)
    found.identifiers_new = graph.next_no
    found.held = len(graph.fresh_held)
    tally.moved("absent", "quarantined(rate)", len(graph.fresh_held))
    await judge_regions(tx, tools, graph, tally)
    found.worst = _worst(graph, Counter(causes) + tally.joins, tally.joins)
    return tally.total()


def _worst(graph: ForeseenGraph, caused: Counter[int], joins: Counter[int]) -> list[WorstIdentifier]:
    said = graph.sayings
    low, high, row = (np.array(one, dtype=np.int64) for one in (said.low, said.high, said.row))
    names = list(graph.namespaces)
    found: list[WorstIdentifier] = []
    for number, count in sorted(caused.items(), key=lambda item: (-item[1], item[0]))[:WORST]:
        rows, joined = row[(low == number) | (high == number)], joins[number]
        first = int(rows.min()) if len(rows) else None
        found.append(WorstIdentifier(names[graph.kinds[number]], first, joined, count - joined))
    return found
