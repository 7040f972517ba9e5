"""The circuit breaker in the service, held to the oracle: decisions are read back and given to the pure rule."""

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest

from libs.common.db import Tx, statement
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import Pair
from services.identity.domain.partition import Partition, partition
from services.identity.domain.policy import PolicySet, Safeguards
from services.identity.store import holds, nodes
from services.identity.store.numbers import Numbers
from services.identity.usecases.decide_quarantine import decide_quarantine
from services.identity.usecases.graph.name_holds import named_holds
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import (
    DENSE,
    EXAMPLES,
    GUARDED,
    NOW,
    START,
    a_history,
    an_identifier,
    evidence,
)

ROOMY = PolicySet(
    4,
    {name: msgspec.structs.replace(policy, max_per_person=None) for name, policy in DENSE.policies.items()},
    safeguards=Safeguards(largest_person=6, joins_per_minute=4),
)
"""No cap stands in the way of a stray identifier."""

SLOW = PolicySet(5, ROOMY.policies, safeguards=Safeguards(largest_person=12, joins_per_minute=6, merges_per_minute=3))
"""Nor of a source that merges persons, but its rate."""


def posted_together(events: list[Evidence], chance: random.Random) -> list[Evidence]:
    """The same events, of which many arrive within a minute, from few sources."""
    return [
        msgspec.structs.replace(
            event,
            source_id=chance.choice([1, 1, 1, 2]),
            first_received_at=NOW if chance.random() < 0.6 else max(event.event_time, START),
        )
        for event in events
    ]


async def decisions(graph: Graph) -> dict[Pair, Hold]:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select node_no, namespace, scope, sealed from node"))
        names = {
            WORKSPACE << 32 | row["node_no"]: Identifier(
                row["namespace"], row["scope"], graph.sealer.open(row["sealed"]).decode()
            )
            for row in rows
        }
        return named_holds(WORKSPACE, await holds.effective(tx, WORKSPACE), names)


async def merged(graph: Graph) -> list[int]:
    """How many persons sources merged within a minute, where a rate is declared."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        return [row["merges"] for row in await tx.fetch(statement("select merges from source_rate"))]


async def assert_as_decided(graph: Graph, events: list[Evidence], policies: PolicySet, now=NOW) -> Partition:
    decided, stored = await decisions(graph), await graph.stored()
    expected = partition(events, policies, now, None, decided)
    assert stored.persons == expected.persons
    assert stored.shared == expected.shared
    assert stored.active == {frozenset(pair) for pair in expected.active}
    assert stored.refused == {frozenset(pair): (why.state, why.reason) for pair, why in expected.refused.items()}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert (await verify_partition(tx, graph.tools, WORKSPACE)).different == 0
    return expected


async def decide(graph: Graph, chance: random.Random) -> list[Evidence]:
    """Decide about some of what waits; return the evidence this adds."""

    async def work(tx: Tx) -> list[Evidence]:
        rows = await holds.list_rows(tx, workspace_id=WORKSPACE, limit=1_000, state="open", reason=None, before=None)
        chosen = [row.hold_id for row in rows if chance.random() < 0.5]
        found = await decide_quarantine(
            tx, graph.tools, WORKSPACE, hold_ids=chosen, identifier=None, thrown_away=chance.random() < 0.5, author="me"
        )
        assert found.links == len(chosen)
        return [fact.evidence for fact in found.batch.facts]

    return await graph.again_when_lost(WORKSPACE, work)


@pytest.mark.parametrize("policies", [GUARDED, ROOMY, SLOW], ids=["guarded", "roomy", "slow"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 8))
async def test_whatever_is_held_and_decided_the_service_says_what_the_oracle_says(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(seed)
    events = posted_together(a_history(chance, 120, values=10), chance)
    deliveries = [*events, *chance.sample(events, 20)]
    chance.shuffle(deliveries)
    told: list[Evidence] = []
    position = 0
    while position < len(deliveries):
        size = chance.choice([1, 2, 5, 30])
        await graph.take(deliveries[position : position + size])
        told += deliveries[position : position + size]
        position += size
        if chance.random() < 0.3:
            told += await decide(graph, chance)
        if chance.random() < 0.3:
            await assert_as_decided(graph, told, policies)
    expected = await assert_as_decided(graph, told, policies)
    # in the end all that waited may be decided
    assert await decisions(graph) or any(why.state == "quarantined" for why in expected.refused.values())
    assert all(count <= (policies.safeguards.merges_per_minute or 0) for count in await merged(graph))
    await graph.declare(WORKSPACE, policies)
    await graph.set_clock(NOW)
    await graph.look_again()
    await assert_as_decided(graph, told, policies)
    await graph.set_clock(NOW + timedelta(days=50))
    await graph.look_again()
    await assert_as_decided(graph, told, policies, graph.now)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policies", [ROOMY, SLOW], ids=["roomy", "slow"])
async def test_concurrent_workers_hold_what_the_oracle_is_told(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(700 + seed)
    events = posted_together(a_history(chance, 150, values=10), chance)

    async def work(share: list[Evidence]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 5):
            await graph.take(share[position : position + 5], tools=tools)

    await asyncio.gather(*(work(events[number::3]) for number in range(3)))
    await assert_as_decided(graph, events, policies)


async def test_a_link_that_waits_and_is_said_once_more_is_no_new_one_at_its_other_end(graph_of):
    graph: Graph = await graph_of(ROOMY)
    stray, other = an_identifier("tel", "stray"), an_identifier("union", "other")
    crowd = [evidence(number, stray, an_identifier("union", number), received_at=NOW) for number in range(3, 33, 3)]
    crowd.append(evidence(33, stray, other, received_at=NOW))
    await graph.take(crowd)
    assert set(map(len, (await graph.stored()).persons)) == {1}
    # four more at the other end are as many as are allowed within a minute: the fifth waits, and was not one of them
    few = [evidence(number, other, an_identifier("tel", number), received_at=NOW) for number in range(36, 48, 3)]
    again = evidence(48, stray, other, received_at=NOW)
    await graph.take([*few, again])
    assert {len(person) for person in (await graph.stored()).persons if other in person} == {5}


async def test_who_throws_links_away_takes_numbers_before_he_holds_identifiers(graph_of, monkeypatch):
    graph: Graph = await graph_of(ROOMY)
    await graph.set_clock(NOW)
    said = [evidence(n, an_identifier("account", 0), an_identifier("tel", n), at=100) for n in range(9)]
    await graph.take([msgspec.structs.replace(one, source_id=1, first_received_at=NOW) for one in said])
    steps: list[str] = []
    take, lock = Numbers.take, nodes.lock

    async def take_and_note(*given, **named):
        steps.append("take")
        return await take(*given, **named)

    async def lock_and_note(*given, **named):
        steps.append("lock")
        return await lock(*given, **named)

    monkeypatch.setattr(Numbers, "take", take_and_note)
    monkeypatch.setattr(nodes, "lock", lock_and_note)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await holds.list_rows(tx, workspace_id=WORKSPACE, limit=1_000, state="open", reason=None, before=None)
        found = await decide_quarantine(
            tx, graph.tools, WORKSPACE, hold_ids=[row.hold_id for row in rows], identifier=None, thrown_away=True,
            author="me",
        )  # fmt: skip
    assert found.links > 0 and found.batch.facts
    assert steps == sorted(steps, reverse=True) and {"take", "lock"} == set(steps), steps
