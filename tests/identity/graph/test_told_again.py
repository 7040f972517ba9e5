"""What identity tells again of merges is what it told: each link of a chain, not where the chain ends."""

import random

import msgspec

from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.errors import Conflict, Invalid
from services.identity.store.telling import ended_from
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_ids_survive import redirects
from tests.identity.graph.test_merges_and_back import a_graph, merge, part

Links = dict[int, tuple[int, int]]
"""By who ended: in whom, and at which version."""


async def told_again(graph: Graph) -> Links:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await ended_from(tx, WORKSPACE, after=0, limit=10_000)
    return {row["person_no"]: (row["survivor_no"], row["graph_version"]) for row in rows}


async def told_at_first(graph: Graph) -> Links:
    """Return the newest merge of each person, as it was told when it happened."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.driver.fetch("select payload from outbox_log where subject = $1", PersonMerged.subject)
    events = [msgspec.json.decode(line, type=PersonMerged) for row in rows for line in bytes(row[0]).splitlines()]
    found: Links = {}
    for event in sorted(events, key=lambda event: event.graph_version):
        found |= {one.person_no: (event.person_no, event.graph_version) for one in event.absorbed}
    return found


async def test_case_22_merges_are_told_again_link_by_link_as_they_were_told(graph_of):
    chance = random.Random(2601)
    graph = await a_graph(graph_of, chance, devices=True)
    longest = 0
    for _ in range(16):
        leads = await redirects(graph)
        living = sorted(set((await graph.stored()).ids.values()))
        if chance.random() < 0.7 or not leads:
            await merge(graph, *chance.sample(living, 2))
        else:
            ended = chance.choice(sorted(leads))
            try:
                await part(graph, leads[ended], ended)
            except (Conflict, Invalid):
                continue
        again, first = await told_again(graph), await told_at_first(graph)
        assert again == {person: first[person] for person in again}
        for number in again:
            steps = [number]
            while steps[-1] in again:
                steps.append(again[steps[-1]][0])
            assert [again[one][1] for one in steps[:-1]] == sorted({again[one][1] for one in steps[:-1]})
            longest = max(longest, len(steps))
    assert longest > 2, "there were chains"
