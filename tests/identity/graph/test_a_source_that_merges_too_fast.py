"""Case 30 in the service: a source merges so many persons a minute as it may, and the rest waits."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta

import msgspec
import pytest

from libs.common.db import Tx, statement
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import NamespacePolicy, PolicySet, Safeguards
from services.identity.store import holds, source_rates
from services.identity.usecases.decide_quarantine import decide_quarantine
from services.identity.usecases.graph import assign_within_rates
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_breaker import assert_as_decided
from tests.identity.graph.worlds import DENSE, NOW, an_identifier, evidence

MOST = 5
NAMESPACES = {
    "union": NamespacePolicy(priority=2),
    "tel": NamespacePolicy(priority=3),
    "account": NamespacePolicy(priority=1, max_per_person=1),
    "device": DENSE.policies["device"],
}
RATED = PolicySet(6, NAMESPACES, safeguards=Safeguards(largest_person=None, merges_per_minute=MOST))
UNRATED = msgspec.structs.replace(RATED, safeguards=Safeguards(largest_person=None))

RATES = statement("select source_id, minute, merges from source_rate")
WAITING = statement(
    "select source_id, reason, state, count(*) as links from held_link group by source_id, reason, state"
)


def one(number: int) -> Identifier:
    return an_identifier("union", number)


def other(number: int) -> Identifier:
    return an_identifier("tel", number)


def said(number: int, *identifiers: Identifier, source: int = 1, at: datetime = NOW, tier: int = 2) -> Evidence:
    found = evidence(number, *identifiers, kind="import", tier=tier, at=at, received_at=at)
    return msgspec.structs.replace(found, source_id=source)


def a_join(number: int, *, source: int = 1, at: datetime = NOW, again: int = 0) -> Evidence:
    """Evidence that makes two persons one."""
    return said(10_000 * (again + 1) + number, one(number), other(number), source=source, at=at)


def two_each(people: int) -> list[Evidence]:
    """Evidence that makes persons, two of each number."""
    known = [who(number) for number in range(people) for who in (one, other)]
    return [said(5_000_000 + number, identifier) for number, identifier in enumerate(known)]


async def rates(graph: Graph) -> dict[tuple[int, datetime], int]:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        return {(row["source_id"], row["minute"]): row["merges"] for row in await tx.fetch(RATES)}


async def waiting(graph: Graph) -> dict[tuple[int, str, str], int]:
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(WAITING)
    return {(row["source_id"], row["reason"], row["state"]): row["links"] for row in rows}


async def pairs_joined(graph: Graph) -> int:
    return sum(len(person) > 1 for person in (await graph.stored()).persons)


async def test_case_30_a_source_merges_what_it_may_in_a_minute_and_the_rest_waits(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(30))
    assert await rates(graph) == {}, "nobody was merged"
    joins = [a_join(number) for number in range(12)]
    await graph.take(joins[:3])
    await graph.take(joins[3:])
    assert await pairs_joined(graph) == MOST
    assert await waiting(graph) == {(1, "source_rate", "throttled"): 12 - MOST}
    assert await rates(graph) == {(1, NOW): MOST}
    # Nothing is counted twice: not what was let, not what waits, in whatever words.
    await graph.take(joins)
    await graph.take([a_join(number, again=1) for number in range(12)])
    assert await pairs_joined(graph) == MOST
    assert (await rates(graph), (await waiting(graph)).values()) == ({(1, NOW): MOST}, pytest.approx([12 - MOST]))
    # Another source has a rate of its own, and so has the next minute.
    await graph.take([a_join(number, source=2) for number in range(12, 15)])
    later = NOW + timedelta(minutes=1)
    await graph.set_clock(later)
    await graph.take([a_join(number, at=later) for number in range(15, 22)])
    assert await pairs_joined(graph) == MOST + 3 + MOST
    assert await rates(graph) == {(1, NOW): MOST, (2, NOW): 3, (1, later): MOST}
    # What waits is a decision of the rule's: everything said anew, or looked at again, gives the same.
    await graph.declare(WORKSPACE, RATED)
    await graph.look_again()
    assert await pairs_joined(graph) == MOST + 3 + MOST


@pytest.mark.parametrize("thrown_away", [False, True])
async def test_case_30_what_was_decided_about_is_not_held_again(graph_of, thrown_away):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(12))
    await graph.take([a_join(number) for number in range(12)])

    async def work(tx: Tx) -> int:
        found = await decide_quarantine(
            tx, graph.tools, WORKSPACE, hold_ids=[], identifier=None, source_id=1, thrown_away=thrown_away, author="me"
        )
        return found.links

    assert await graph.again_when_lost(WORKSPACE, work) == 12 - MOST
    assert await pairs_joined(graph) == (MOST if thrown_away else 12)
    await graph.take([a_join(number, again=1) for number in range(12)])
    assert await pairs_joined(graph) == (MOST if thrown_away else 12)
    decided = "thrown_away" if thrown_away else "free"
    assert await waiting(graph) == {(1, "source_rate", decided): 12 - MOST}
    assert await rates(graph) == {(1, NOW): MOST}, "a person's decision is no source's merge"


async def test_case_30_what_was_released_is_not_held_when_it_was_too_large_in_between(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(12))
    await graph.take([a_join(number) for number in range(12)])

    async def release(tx: Tx) -> None:
        await decide_quarantine(
            tx, graph.tools, WORKSPACE, hold_ids=[], identifier=None, source_id=1, thrown_away=False, author="me"
        )

    await graph.again_when_lost(WORKSPACE, release)
    later = NOW + timedelta(minutes=5)
    await graph.set_clock(later)
    await graph.declare(WORKSPACE, msgspec.structs.replace(RATED, safeguards=Safeguards(largest_person=1)))
    await graph.look_again()
    assert await pairs_joined(graph) == 0
    assert sum((await waiting(graph)).values()) == 12
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await holds.list_rows(tx, workspace_id=WORKSPACE, limit=20, state="open", reason="size", before=None)
        assert sorted(str(row.author) for row in rows) == ["None"] * MOST + ["me"] * (12 - MOST)
    await graph.declare(WORKSPACE, RATED)
    await graph.take([a_join(number, at=later, again=1) for number in range(12)])
    assert await pairs_joined(graph) == 12, "those not released are as many as may be merged in a minute"
    assert await rates(graph) == {(1, NOW): MOST, (1, later): MOST}
    await graph.look_again()
    assert await pairs_joined(graph) == 12


async def test_case_30_neither_decisions_nor_visitors_who_log_in_are_a_sources_merges(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(20))
    visitors = [an_identifier("device", number) for number in range(20)]
    await graph.take([said(300 + number, visitor) for number, visitor in enumerate(visitors)])
    await graph.take([said(400 + number, one(number), visitor) for number, visitor in enumerate(visitors)])
    decided = [
        evidence(600 + n, one(n), other(n), kind="must_link", tier=0, at=NOW, received_at=NOW) for n in range(20)
    ]
    await graph.take(decided)
    assert {len(person) for person in (await graph.stored()).persons} == {3}
    assert (await rates(graph), await waiting(graph)) == ({}, {})


async def test_case_30_what_a_rate_let_take_the_place_of_what_it_holds_is_held_too(graph_of, monkeypatch):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(20))
    await graph.take([said(number, an_identifier("account", number)) for number in range(40)])
    await graph.take([a_join(number) for number in range(2, 2 + MOST)])
    assert await rates(graph) == {(1, NOW): MOST}
    runs = Counter[str]()
    ruled = assign_within_rates.assign_regions

    def counted(*given):
        runs["rule"] += 1
        return ruled(*given)

    monkeypatch.setattr(assign_within_rates, "assign_regions", counted)
    # Forty accounts at one identifier of which a person has one only: each would be next.
    await graph.take([said(2_000 + n, an_identifier("account", n), one(1)) for n in range(40)])
    assert await rates(graph) == {(1, NOW): MOST}
    assert frozenset({one(1)}) in (await graph.stored()).persons
    assert await waiting(graph) == {(1, "source_rate", "throttled"): 40}
    assert runs["rule"] == 4, "not once for each of them"


async def test_case_30_where_no_rate_is_declared_nothing_is_asked_and_nothing_counted(graph_of, monkeypatch):
    graph: Graph = await graph_of(UNRATED)
    await graph.take(two_each(12))

    async def never(*_given):
        raise AssertionError("no rate is declared")

    monkeypatch.setattr(source_rates, "count", never)
    await graph.take([a_join(number) for number in range(12)])
    assert (await pairs_joined(graph), await rates(graph), await waiting(graph)) == (12, {}, {})


@pytest.mark.parametrize("seed", range(3))
async def test_case_30_workers_at_once_let_a_source_merge_no_more_and_never_block_each_other(graph_of, seed):
    graph: Graph = await graph_of(RATED)
    chance = random.Random(seed)
    people = 160
    await graph.take(two_each(people))
    sources, minutes = (1, 2, 3), (NOW, NOW - timedelta(minutes=1), NOW - timedelta(minutes=2))
    joins = [
        a_join(number, source=chance.choice(sources), at=chance.choice(minutes) + timedelta(seconds=number % 60))
        for number in range(people)
    ]

    async def work(share: list[Evidence]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 8):
            # In a transaction by itself, tried once: nobody may lose to anybody.
            async with graph.database.worker.transaction(WORKSPACE) as tx:
                facts = [Fact(WORKSPACE, event) for event in share[position : position + 8]]
                await resolve_evidence(tx, facts, tools)

    await asyncio.gather(*(work(joins[number::4]) for number in range(4)))
    asked = Counter((join.source_id, join.first_received_at.replace(second=0)) for join in joins)
    assert len(asked) == 9
    expected = {meter: min(count, MOST) for meter, count in asked.items()}
    assert await rates(graph) == expected
    assert await pairs_joined(graph) == sum(expected.values())
    held = {(source, "source_rate", "throttled"): 0 for source in sources}
    for (source, _), count in asked.items():
        held[source, "source_rate", "throttled"] += max(0, count - MOST)
    assert await waiting(graph) == held
    await assert_as_decided(graph, [*two_each(people), *joins], RATED)


async def test_case_30_what_waited_then_waited_then(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(12))
    await graph.take([a_join(number) for number in range(12)])
    later = NOW + timedelta(minutes=9)
    await graph.set_clock(later)

    async def release(tx: Tx) -> dict[datetime, Counter[str]]:
        await decide_quarantine(
            tx, graph.tools, WORKSPACE, hold_ids=[], identifier=None, source_id=1, thrown_away=False, author="me"
        )
        lows = range(1, 100)
        times = NOW - timedelta(minutes=1), NOW, later
        found = {at: await holds.effective(tx, WORKSPACE, lows, at=at) for at in times}
        return {at: Counter(decided.values()) for at, decided in found.items()}

    then = await graph.again_when_lost(WORKSPACE, release)
    assert then == {NOW - timedelta(minutes=1): {}, NOW: {"throttled": 12 - MOST}, later: {}}


async def test_case_30_minutes_long_over_are_forgotten(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(4))
    await graph.take([a_join(0), a_join(1, source=2)])
    later = NOW + timedelta(days=8)
    await graph.set_clock(later)
    await graph.take([a_join(2, at=later)])
    assert await rates(graph) == {(2, NOW): 1, (1, later): 1}


async def test_case_30_a_link_is_listed_with_the_source_that_caused_it(graph_of):
    graph: Graph = await graph_of(RATED)
    await graph.take(two_each(12))
    await graph.take([a_join(number, source=2) for number in range(12)])
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await holds.list_rows(
            tx, workspace_id=WORKSPACE, limit=50, state="open", reason="source_rate", before=None
        )
        causes = await holds.list_causes(tx, workspace_id=WORKSPACE, limit=50, after=(0, -(2**31)))
        rest = await holds.list_causes(tx, workspace_id=WORKSPACE, limit=50, after=(0, 2))
    assert {(row.source_id, row.cause_no, row.reason, row.state) for row in rows} == {
        (2, None, "source_rate", "throttled")
    }
    assert [(cause.node_no, cause.source_id, cause.links) for cause in causes] == [(None, 2, 12 - MOST)]
    assert rest == []
