"""The stored partition against the one rebuilt from all stored evidence."""

import random
from typing import Any

import pytest

from libs.common.db import statement
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_respelling import BOTH, KINDS, MAIL, declaring, histories, put
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


@pytest.mark.parametrize("lost", [{}, {"folding": MAIL}, {"case_rules": {"shop": "insensitive"}}])
async def test_spellings_that_no_declaration_makes_one_are_no_difference(graph_of: Any, lost: dict[str, Any]) -> None:
    graph: Graph = await graph_of(BOTH, KINDS)
    await graph.take([one for one in histories(3) if len(set(one.identifiers)) == 2])
    await put(graph, declaring(**lost))
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        found = await verify_partition(tx, graph.tools, WORKSPACE)
        stored = await graph.stored()
        assert (found.different, found.persons) == (0, len(set(stored.ids.values())))
        taken = await tx.execute(
            statement("update node set person_no = 0 where workspace_id = :workspace and namespace = 'wx_openid'"),
            workspace=WORKSPACE,
        )
        assert (await verify_partition(tx, graph.tools, WORKSPACE)).different >= taken > 1


async def test_a_workspace_without_evidence_is_nobody(graph_of):
    graph: Graph = await graph_of(DENSE)
    async with graph.database.worker.transaction(7) as tx:
        found = await verify_partition(tx, graph.tools, 7)
    assert (found.identifiers, found.persons, found.different) == (0, 0, 0)
