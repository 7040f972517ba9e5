"""ID16: who was whom at a time is told the same tomorrow, whatever happens after that time."""

import random
from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from libs.common.db import statement
from libs.common.errors import NotFound
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import Declared, NamespacePolicy, PolicySet
from services.identity.usecases.put_policies import put_policies
from services.identity.usecases.read_person_then import read_identifier_then, read_person_then
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_hash_twins import DEFAULTS, KINDS, MD5
from tests.identity.graph.test_hash_twins import PHONE as PLAIN
from tests.identity.graph.test_respelling import FOLDING, put
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, START, a_history, an_identifier, evidence

THEN = START + timedelta(days=60)
ANNA, PHONE, CRM = an_identifier("account", 1), an_identifier("tel", 1), an_identifier("openid", 1, "app1")
Answers = dict[object, tuple[object, ...]]


async def ask(graph: Graph, identifiers: Collection[Identifier], at: datetime = THEN) -> Answers:
    """Everything the service says of a time: by identifier, and by every id it names."""
    found: Answers = {}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        for one in sorted(identifiers):
            try:
                then = await read_identifier_then(tx, graph.tools, WORKSPACE, one, at)
            except NotFound:
                found[one] = ()
                continue
            found[one] = (frozenset(then.identifiers), then.shared, then.asked)
        for asked in {answer[2] for answer in found.values() if answer}:
            then = await read_person_then(tx, graph.tools, WORKSPACE, asked, at)
            found[asked] = (frozenset(then.identifiers), then.shared)
    return found


def groups(answers: Answers) -> dict[Identifier, object]:
    return {one: answer[0] if answer else frozenset() for one, answer in answers.items() if isinstance(one, Identifier)}


def expected(events: list[Evidence], named: Collection[Identifier], policies: PolicySet) -> dict[Identifier, object]:
    """The oracle, of what was said by then and of nothing else."""
    then = partition([one for one in events if one.effective_time <= THEN], policies, THEN)
    return {one: then.person_of(one) for one in named}


@pytest.mark.parametrize("policies", [DENSE, FADING], ids=["dense", "fading"])
@pytest.mark.parametrize("seed", range(max(1, EXAMPLES // 16)))
async def test_id16_nothing_that_happens_later_changes_an_answer_about_then(graph_of, policies, seed):
    graph: Graph = await graph_of(policies)
    chance = random.Random(1200 + seed)
    events = a_history(chance, 60, values=7)
    named = {identifier for one in events for identifier in one.identifiers}
    past = [one for one in events if one.effective_time <= THEN]
    future = [one for one in events if one.effective_time > THEN]
    chance.shuffle(past)
    late, past = past[:5], past[5:]
    await graph.set_clock(THEN)
    for position in range(0, len(past), 10):
        await graph.take(past[position : position + 10])
    before = await ask(graph, named)
    assert groups(before) == expected(past, named, policies)
    for position in range(0, len(future), 12):
        coming = future[position : position + 12]
        await graph.set_clock(max(graph.now, *(one.effective_time for one in coming)))
        await graph.take(coming)
        await graph.look_again()
        assert await ask(graph, named) == before
    await graph.take(late)
    assert groups(await ask(graph, named)) == expected(events, named, policies)


@pytest.mark.parametrize("seed", range(max(1, EXAMPLES // 20)))
async def test_id16_evidence_of_then_and_of_later_may_come_mixed_in_any_order(graph_of, seed):
    graph: Graph = await graph_of(DENSE)
    chance = random.Random(1300 + seed)
    events = a_history(chance, 80, values=7)
    named = {identifier for one in events for identifier in one.identifiers}
    chance.shuffle(events)
    told: list[Evidence] = []
    for position in range(0, len(events), 16):
        batch = events[position : position + 16]
        late = [one for one in batch if one.effective_time <= THEN]
        if late:
            await graph.take(late)
        told += late
        before = await ask(graph, named)
        assert groups(before) == expected(told, named, DENSE)
        later = [one for one in batch if one.effective_time > THEN]
        if later:
            await graph.take(later)
        assert await ask(graph, named) == before


async def take(graph: Graph, *events: Evidence) -> None:
    await graph.take(list(events))


async def test_who_was_joined_by_a_number_that_is_a_hub_today_was_one_person_then(graph_of):
    graph: Graph = await graph_of(DENSE)
    await take(graph, evidence(1, ANNA, PHONE, at=1), evidence(2, PHONE, CRM, kind="bind", at=2))
    before = await ask(graph, {ANNA, PHONE, CRM})
    assert before[CRM][0] == {ANNA, PHONE, CRM}
    await take(graph, *(evidence(10 + n, an_identifier("account", 10 + n), PHONE, at=70 + n) for n in range(5)))
    assert PHONE in (await graph.stored()).shared
    assert await ask(graph, {ANNA, PHONE, CRM}) == before


async def test_the_id_an_identifier_had_then_is_told_after_merges_and_their_undoing(graph_of):
    graph: Graph = await graph_of(DENSE)
    await take(graph, evidence(1, ANNA, at=1), evidence(2, CRM, at=1))
    ids = (await graph.stored()).ids
    before = await ask(graph, {ANNA, CRM})
    assert {one: before[one][2] for one in (ANNA, CRM)} == ids
    await take(graph, evidence(3, ANNA, CRM, kind="must_link", tier=0, at=70))
    assert await ask(graph, {ANNA, CRM}) == before
    await take(graph, evidence(4, ANNA, CRM, kind="cannot_link", tier=0, at=80))
    assert await ask(graph, {ANNA, CRM}) == before
    joined = await ask(graph, {ANNA, CRM}, START + timedelta(days=75))
    assert joined[CRM] == joined[ANNA] == ({ANNA, CRM}, frozenset(), ids[ANNA])


async def test_only_late_evidence_changes_the_past(graph_of):
    graph: Graph = await graph_of(DENSE)
    await take(graph, evidence(1, ANNA, PHONE, at=1), evidence(2, CRM, at=1))
    assert (await ask(graph, {CRM}))[CRM][0] == {CRM}
    await take(graph, evidence(3, PHONE, CRM, kind="bind", at=30))
    assert (await ask(graph, {CRM}))[CRM][0] == {ANNA, PHONE, CRM}


async def test_an_alias_that_is_nobodys_today_was_nobodys_then(graph_of):
    graph: Graph = await graph_of(DEFAULTS, KINDS)
    one, other = an_identifier("email", "an.na@mail.example"), an_identifier("email", "anna@mail.example")
    alias = Identifier("email_alias", "", other.value)
    await take(graph, evidence(1, one, at=1), evidence(2, other, at=2))
    ids = (await graph.stored()).ids
    await put(graph, FOLDING)
    assert (await ask(graph, {alias}))[alias][0] == {one, other, alias}
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await put_policies(tx, graph.tools, WORKSPACE, Declared(DEFAULTS.policies))
    for _ in range(2):  # before its region is looked at, and after that
        assert await ask(graph, {one, other, alias}) == {
            alias: (),
            **{address: ({address}, frozenset(), ids[address]) for address in (one, other)},
            **{ids[address]: ({address}, frozenset()) for address in (one, other)},
        }
        await graph.look_again()


async def test_an_identifier_that_nobody_owns_yet_was_nobodys_then(graph_of):
    graph: Graph = await graph_of(DENSE)
    await take(graph, evidence(1, ANNA, at=1))
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await tx.execute(statement("update node set person_no = 0, born_no = 0"))
    assert await ask(graph, {ANNA}) == {ANNA: ()}


async def test_a_hash_that_is_seen_later_was_nobodys_then(graph_of):
    graph: Graph = await graph_of(DEFAULTS, KINDS)
    anna = an_identifier("user_id", "anna", "shop")
    await take(graph, evidence(1, anna, PLAIN, at=1))
    before = await ask(graph, {PLAIN, MD5})
    assert before[MD5] == before[PLAIN] == ({anna, PLAIN}, frozenset(), (await graph.stored()).ids[anna])
    await take(graph, evidence(2, MD5, at=70))
    assert len((await graph.stored()).persons) == 1
    assert await ask(graph, {PLAIN, MD5}) == before


async def test_a_number_with_a_crowd_by_then_was_a_hub_and_a_crowd_that_came_later_is_none(graph_of, monkeypatch):
    monkeypatch.setattr("services.identity.usecases.graph.partition_then.MOST_HUB_LINKS", 4)
    graph: Graph = await graph_of(DENSE)
    crowd = [an_identifier("account", 10 + number) for number in range(5)]
    await take(graph, evidence(1, ANNA, PHONE, at=1), evidence(2, PHONE, CRM, kind="bind", at=2))
    await take(graph, *(evidence(10 + n, one, PHONE, at=70) for n, one in enumerate(crowd)))
    assert (await ask(graph, {PHONE}))[PHONE][:2] == ({ANNA, PHONE, CRM}, frozenset())
    later = await ask(graph, {ANNA, PHONE, CRM}, START + timedelta(days=71))
    assert [later[one][0] for one in (ANNA, PHONE, CRM)] == [{ANNA}, {PHONE}, {CRM}]
    assert later[PHONE][1] == {PHONE}


async def test_a_member_with_many_devices_is_no_hub(graph_of, monkeypatch):
    monkeypatch.setattr("services.identity.usecases.graph.partition_then.MOST_HUB_LINKS", 4)
    roomy = {**DENSE.policies, "device": NamespacePolicy(priority=6, max_per_person=20, hub_threshold=2, bridges=False)}
    graph: Graph = await graph_of(PolicySet(3, roomy))
    devices = [an_identifier("device", number) for number in range(9)]
    await take(graph, *(evidence(n, ANNA, one, at=50) for n, one in enumerate(devices)))
    assert (await ask(graph, {devices[0]}))[devices[0]][:2] == ({ANNA, *devices}, frozenset())
