"""Regions that are read anew are as if all their evidence came now: what was stored wrong of them before is mended."""

import random
from datetime import datetime
from typing import Any

import msgspec
import pytest

from libs.common.db import statement
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import graph_of
from services.identity.domain.policy import PolicySet
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, NOW, a_history, an_identifier, evidence

WRONG = (
    "update node set alone_at = null, best_tier = 0",
    "update node set alone_at = '2026-06-01', best_tier = 4",
)
MANY = PolicySet(7, {**DENSE.policies, "account": msgspec.structs.replace(DENSE.of("account"), max_per_person=2)})
"""Under which two accounts in one event do not contradict each other."""


async def by_themselves(graph: Graph) -> dict[Identifier, tuple[datetime | None, int]]:
    """Return when identifiers were last seen alone, and how well they were proved, as it is stored."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select namespace, scope, sealed, alone_at, best_tier from node"))
    return {
        Identifier(row["namespace"], row["scope"], graph.sealer.open(row["sealed"]).decode()): (
            row["alone_at"],
            row["best_tier"],
        )
        for row in rows
    }


def alone(events: list[Evidence], policies: PolicySet) -> dict[Identifier, datetime | None]:
    return {node.identifier: node.alone_at for node in graph_of(events, policies).nodes}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_stored_wrong_of_identifiers_by_themselves_is_mended(graph_of: Any, wrong: str) -> None:
    graph: Graph = await graph_of(DENSE)
    events = a_history(random.Random(12), 120, values=20)
    await graph.set_clock(NOW)
    await graph.take(events)
    before = await by_themselves(graph)
    assert {one: at for one, (at, _) in before.items()} == alone(events, DENSE)
    assert len({at for at, _ in before.values()}) > 3 and len({tier for _, tier in before.values()}) > 2
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert await tx.execute(statement(wrong)) == len(before)
    await graph.declare(WORKSPACE, DENSE)
    await graph.look_again()
    assert await by_themselves(graph) == before
    assert_equal(await graph.stored(), events, DENSE)


async def test_whoever_an_event_contradicts_by_new_policies_was_seen_by_it_all_the_same(graph_of: Any) -> None:
    graph: Graph = await graph_of(MANY)
    one, other = (an_identifier("account", number) for number in range(2))
    events = [evidence(1, one, other, an_identifier("tel", 1), at=100), evidence(2, one, at=50)]
    await graph.set_clock(NOW)
    await graph.take(events)
    for policies in (DENSE, MANY):
        await graph.declare(WORKSPACE, policies)
        await graph.look_again()
        assert {name: at for name, (at, _) in (await by_themselves(graph)).items()} == alone(events, policies)
        assert_equal(await graph.stored(), events, policies)
