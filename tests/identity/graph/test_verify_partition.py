"""The stored partition against the one rebuilt from all stored evidence."""

import random

from libs.common.db import statement
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.graph.graphs import Graph
from tests.identity.graph.worlds import DENSE, a_history

BREAK = statement(
    "update node set person_no = 1000000 where workspace_id = 7 and node_no = (select max(node_no) from node n"
    " where (select count(*) from node o where o.person_no = n.person_no) > 1)"
)


async def test_what_is_stored_is_what_the_evidence_says_and_a_wrong_owner_is_found(graph_of):
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(11), 200, values=30)
    for start in range(0, len(events), 50):
        await graph.take(events[start : start + 50])
    async with graph.database.worker.transaction(7) as tx:
        found = await verify_partition(tx, graph.tools, 7)
        assert (found.different, found.identifiers) == (0, len({one for fact in events for one in fact.identifiers}))
        assert 0 < found.by_rule <= found.identifiers
        assert await tx.execute(BREAK) == 1
        assert (await verify_partition(tx, graph.tools, 7)).different > 0


async def test_a_workspace_without_evidence_is_nobody(graph_of):
    graph: Graph = await graph_of(DENSE)
    async with graph.database.worker.transaction(7) as tx:
        found = await verify_partition(tx, graph.tools, 7)
    assert (found.identifiers, found.persons, found.different) == (0, 0, 0)
