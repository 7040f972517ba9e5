"""Regions that are read anew one by one, in whatever order, end as the rule says, and so do links between hubs."""

import random
from typing import Any

import msgspec
import pytest

from libs.common.db import statement
from services.identity.domain.policy import NamespacePolicy, PolicySet
from services.identity.store.nodes import key
from services.identity.store.regions import Turn
from services.identity.usecases.recompute_regions import recompute_regions
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, NOW, a_history

_TAKE = statement("delete from region_due where node_no = :node_no returning reread, glance")
_DUE = statement("select node_no from region_due where due_at <= :now order by node_no")


def _changed(**fields: dict[str, Any]) -> PolicySet:
    policies: dict[str, NamespacePolicy] = dict(DENSE.policies)
    for name, change in fields.items():
        policies[name] = msgspec.structs.replace(policies[name], **change)
    return PolicySet(8, policies)


POLICIES = {
    "the same": DENSE,
    "another middle": _changed(account={"priority": 9}, cookie={"priority": 1}),
    "hubs are larger": _changed(tel={"hub_threshold": 3}, cookie={"hub_threshold": 4}, device={"hub_threshold": 3}),
    "hubs are smaller": _changed(tel={"hub_threshold": 1}, cookie={"hub_threshold": 1}, device={"hub_threshold": 1}),
}


async def look_one_by_one(graph: Graph, chance: random.Random) -> None:
    """Look at each region that is due by itself, in a random order, until none is."""
    while True:
        async with graph.database.worker.transaction(WORKSPACE) as tx:
            due = [row["node_no"] for row in await tx.fetch(_DUE, now=graph.now)]
        if not due:
            return
        for node_no in chance.sample(due, len(due)):
            async with graph.database.worker.transaction(WORKSPACE) as tx:
                row = await tx.fetch_one(_TAKE, node_no=node_no)
                if row is not None:
                    turn = Turn(row["reread"], row["glance"])
                    await recompute_regions(tx, {key(WORKSPACE, node_no): turn}, graph.tools)


@pytest.mark.parametrize("policies", POLICIES)
@pytest.mark.parametrize("seed", range(6))
async def test_regions_read_anew_one_by_one_are_as_the_rule_says(graph_of: Any, policies: str, seed: int) -> None:
    chance = random.Random(f"{policies} {seed}")
    graph: Graph = await graph_of(DENSE)
    await graph.set_clock(NOW)
    events = a_history(chance, chance.choice([12, 25, 50]), values=chance.choice([3, 5, 8]))
    await graph.take(events)
    await graph.declare(WORKSPACE, POLICIES[policies])
    await look_one_by_one(graph, chance)
    assert_equal(await graph.stored(), events, POLICIES[policies])
