"""The stored partition against the one rebuilt from all stored evidence."""

import asyncio
import random
from typing import Any

import pytest

from libs.common.db import statement
from services.identity.store import regions
from services.identity.usecases.graph.verify_partition import Verified, verify_partition
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_respelling import BOTH, KINDS, MAIL, declaring, histories, put
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, NOW, a_history

BREAK = statement(
    "update node set person_no = 1000000 where workspace_id = 7 and node_no = (select max(node_no) from node n"
    " where (select count(*) from node o where o.person_no = n.person_no) > 1)"
)
MISPLACE = (
    "update node n set person_no = (select max(person_no) from node) where node_no in"
    " (select max(node_no) from node group by person_no having count(*) > 2)"
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


async def verified(graph: Graph) -> Verified:
    async with graph.database.worker.transaction(WORKSPACE, snapshot=True) as tx:
        return await verify_partition(tx, graph.tools, WORKSPACE)


async def repair(graph: Graph) -> int:
    found = await verified(graph)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        return await regions.reread(tx, WORKSPACE, found.to_reread, graph.now)


@pytest.mark.parametrize(
    "wrong",
    [
        MISPLACE,
        "update node set is_shared = not is_shared where namespace = 'device'",
        "update node set alone_at = null where alone_at is not null",
        "update node set alone_at = '2026-06-01' where node_no % 3 = 0",
    ],
    ids=["owner", "hub", "never alone", "alone later"],
)
async def test_what_is_stored_wrong_is_found_and_mended_beside_workers(graph_of: Any, wrong: str) -> None:
    graph: Graph = await graph_of(DENSE)
    await graph.set_clock(NOW)
    events = a_history(random.Random(13), 260, values=40)
    await graph.take(events[:200])
    await graph.look_again()
    assert (await verified(graph)).to_reread == []
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        spoilt = await tx.execute(statement(wrong))
    found = await verified(graph)
    assert 0 < found.different <= found.identifiers and found.different >= spoilt > 0
    assert await repair(graph) >= found.different
    await asyncio.gather(graph.look_again(), *(graph.take(events[start : start + 20]) for start in (200, 220, 240)))
    await graph.look_again()
    assert_equal(await graph.stored(), events, DENSE)
    assert ((await verified(graph)).different, await repair(graph)) == (0, 0)
