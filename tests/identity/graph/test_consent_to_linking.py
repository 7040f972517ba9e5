"""Case 28 and ID15 in the real service on PostgreSQL: what people withdraw holds nobody together, in any order."""

import asyncio
import random
from datetime import datetime, timedelta

import msgspec
import pytest

from services.identity.domain.consents import SILENT, Permission, Step, Word, permits
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import graph_of as graph_from
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.graph.consenting import CONSENTED, Said, on_bases, permissions, standing
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import EXAMPLES, NOW, START, a_history, an_identifier, evidence

ASKED = msgspec.structs.replace(CONSENTED, linking="opt_in")
BOTH = pytest.mark.parametrize("policies", [CONSENTED, ASKED], ids=["unless withdrawn", "if granted"])
ANNA, PHONE, CRM = an_identifier("account", 1), an_identifier("tel", 1), an_identifier("openid", 1, "app1")


async def assert_equal(graph: Graph, events: list[Evidence], policies: PolicySet, said: list[Said]) -> None:
    consents = standing(said, graph.now)
    expected = partition(events, policies, graph.now, consents)
    stored = await graph.stored()
    assert stored.persons == expected.persons
    assert stored.shared == expected.shared
    assert stored.active == {frozenset(pair) for pair in expected.active}
    assert stored.refused == {frozenset(pair): (why.state, why.reason) for pair, why in expected.refused.items()}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert (await verify_partition(tx, graph.tools, WORKSPACE)).different == 0
    # the law itself, by the evidence and not by the rule
    spoke = graph_from(events, policies)
    names = [node.identifier for node in spoke.nodes]
    for link in spoke.links:
        pair = names[link.low], names[link.high]
        low, high = (consents.get(one, SILENT) for one in pair)
        claimed = [basis for basis, facts in link.facts.items() if facts.is_claimed]
        if claimed and not any(permits(basis, low, high, policies.linking) for basis in claimed):
            assert frozenset(pair) not in stored.active


def known_by(events: list[Evidence]) -> set[Identifier]:
    return {identifier for one in events for identifier in one.identifiers}


@BOTH
@pytest.mark.parametrize("seed", range(EXAMPLES // 8))
async def test_id15_no_active_link_has_a_basis_that_was_withdrawn_in_any_order(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(800 + seed)
    events = on_bases(chance, a_history(chance, 90, values=10), policies)
    said = permissions(chance, events, 60)
    deliveries: list[Evidence | Said] = [*events, *chance.sample(events, 10), *said, *chance.sample(said, 10)]
    chance.shuffle(deliveries)
    taken: list[Evidence] = []
    heard: list[Said] = []
    for position in range(0, len(deliveries), 8):
        batch = deliveries[position : position + 8]
        taken += (new := [one for one in batch if isinstance(one, Evidence)])
        await graph.take(new)
        # nobody can speak of an identifier that has no number yet; what is said too early is said again at the end
        known = known_by(taken)
        words = [one for one in batch if not isinstance(one, Evidence) and one[0] in known]
        await graph.hear(words)
        heard += words
        if chance.random() < 0.2:
            await assert_equal(graph, taken, policies, heard)
    await graph.hear(said)
    await assert_equal(graph, events, policies, said)


@BOTH
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_a_withdrawal_before_and_after_the_evidence_ends_the_same(graph_of, policies, seed):
    chance = random.Random(900 + seed)
    events = on_bases(chance, a_history(chance, 60, values=8), policies)
    said = permissions(chance, events, 30)
    seen = [evidence(1000 + number, one) for number, one in enumerate(sorted(known_by(events)))]
    for first in (True, False):
        graph: Graph = await graph_of(policies)
        await graph.take(seen)
        if first:
            await graph.hear(said)
        for position in range(0, len(events), 15):
            await graph.take(events[position : position + 15])
        if not first:
            await graph.hear(said)
        await assert_equal(graph, [*seen, *events], policies, said)


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 16)))
async def test_workers_that_hear_and_take_at_once_end_in_the_same_partition(graph_of, seed):
    graph: Graph = await graph_of(CONSENTED)
    chance = random.Random(1000 + seed)
    events = on_bases(chance, a_history(chance, 90, values=10), CONSENTED)
    await graph.take(events[:30])
    said = permissions(chance, events[:30], 40)

    async def take(share: list[Evidence]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 4):
            await graph.take(share[position : position + 4], tools=tools)

    async def hear(share: list[Said]) -> None:
        tools = graph.fresh_tools()
        for position in range(0, len(share), 4):
            await graph.hear(share[position : position + 4], tools=tools)

    await asyncio.gather(take(events[30::2]), take(events[31::2]), hear(said[::2]), hear(said[1::2]))
    await assert_equal(graph, events, CONSENTED, said)


@BOTH
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 20)))
async def test_what_a_grant_ends_by_itself_is_seen_when_it_is_due(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(1100 + seed)
    events = on_bases(chance, a_history(chance, 60, values=8), policies)
    said = permissions(chance, events, 30)
    await graph.set_clock(NOW)
    await graph.take(events)
    await graph.hear(said)
    await graph.look_again()
    for days in range(3, 70, 11):
        await graph.set_clock(NOW + timedelta(days=days))
        await graph.look_again()
        await assert_equal(graph, events, policies, said)


def word(identifier: Identifier, version: int, *steps: tuple[float, Word], purpose: str = "linking") -> Said:
    return identifier, purpose, Permission(version, tuple(Step(START + timedelta(days=at), word) for at, word in steps))


async def test_case_28_a_person_parts_when_he_withdraws_and_is_one_again_when_he_grants(graph_of):
    graph: Graph = await graph_of(CONSENTED)
    await graph.take([evidence(1, ANNA, at=1), evidence(2, PHONE, at=1), evidence(3, CRM, at=1)])
    before = await graph.stored()
    await graph.take([evidence(4, ANNA, PHONE, at=2), evidence(5, PHONE, CRM, kind="bind", at=3)])
    joined = await graph.stored()
    assert joined.persons == {frozenset({ANNA, PHONE, CRM})}
    await graph.hear([word(PHONE, 1, (10, "withdrawn"))])
    parted = await graph.stored()
    assert parted.refused == {
        frozenset((ANNA, PHONE)): ("suppressed", "consent"),
        frozenset((PHONE, CRM)): ("suppressed", "consent"),
    }
    assert parted.ids == before.ids  # everybody has the id back that he once bore
    await graph.take([evidence(6, ANNA, PHONE, at=20)])  # the same evidence again changes nothing
    assert await graph.stored() == parted
    await graph.hear([word(PHONE, 2, (10, "withdrawn"), (30, "granted"))])
    assert await graph.stored() == joined
    await graph.hear([word(PHONE, 1, (10, "withdrawn"))])  # told again, late
    assert await graph.stored() == joined


async def test_only_links_of_the_purpose_go_and_a_decision_stands_on_its_own(graph_of):
    graph: Graph = await graph_of(CONSENTED)
    tablet = an_identifier("device", 1)
    await graph.take([
        evidence(1, ANNA, PHONE, at=1),
        evidence(2, ANNA, tablet, kind="observe", tier=3, at=NOW),
        evidence(3, ANNA, CRM, kind="must_link", tier=0, at=1),
    ])  # fmt: skip
    assert len((await graph.stored()).persons) == 1
    await graph.hear([word(ANNA, 1, (5, "withdrawn"), purpose="devices")])
    assert (await graph.stored()).persons == {frozenset({ANNA, PHONE, CRM}), frozenset({tablet})}
    await graph.hear([word(ANNA, 2, (5, "withdrawn"), purpose="*")])
    assert (await graph.stored()).persons == {frozenset({ANNA, CRM}), frozenset({PHONE}), frozenset({tablet})}


async def test_what_speaks_against_a_link_counts_though_its_ground_is_withdrawn(graph_of):
    graph: Graph = await graph_of(CONSENTED)
    await graph.take([
        evidence(1, ANNA, PHONE, at=1, basis="care"),
        evidence(2, PHONE, CRM, at=2, basis="care"),
        evidence(3, ANNA, CRM, at=3),
        evidence(4, ANNA, CRM, kind="cannot_link", tier=0, at=4),
    ])  # fmt: skip
    await graph.hear([word(ANNA, 1, (5, "withdrawn"))])
    stored = await graph.stored()
    assert not any({ANNA, CRM} <= person for person in stored.persons)
    assert stored.refused[frozenset((ANNA, CRM))] == ("suppressed", "consent")


async def test_a_workspace_that_asks_first_links_only_where_somebody_granted(graph_of):
    graph: Graph = await graph_of(ASKED)
    await graph.set_clock(NOW)
    await graph.take([evidence(1, ANNA, PHONE, at=1)])
    assert (await graph.stored()).refused == {frozenset((ANNA, PHONE)): ("suppressed", "consent")}
    until: datetime = NOW + timedelta(days=5)
    await graph.hear([(ANNA, "linking", Permission(1, (Step(START, "granted"), Step(until, "unknown"))))])
    assert (await graph.stored()).persons == {frozenset({ANNA, PHONE})}
    await graph.set_clock(until)
    await graph.look_again()
    assert (await graph.stored()).persons == {frozenset({ANNA}), frozenset({PHONE})}


async def test_the_basis_is_fixed_when_evidence_is_taken_in(graph_of):
    graph: Graph = await graph_of(CONSENTED)
    await graph.take([evidence(1, ANNA, PHONE, at=1)])
    nobody_asks = {name: msgspec.structs.replace(one, consent_purpose=None) for name, one in CONSENTED.policies.items()}
    await graph.declare(WORKSPACE, PolicySet(9, nobody_asks))
    await graph.take([evidence(2, ANNA, CRM, at=1)])
    await graph.look_again()
    await graph.hear([word(ANNA, 1, (5, "withdrawn"), purpose="*")])
    assert (await graph.stored()).persons == {frozenset({ANNA, CRM}), frozenset({PHONE})}
