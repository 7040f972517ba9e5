"""Several spellings that denote one by what is declared: mailboxes that ignore dots, issuers that ignore case."""

import asyncio
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.identity.namespaces
from libs.common.ids import new_id
from libs.common.registry import discover
from services.identity.domain.canonical import tidy
from services.identity.domain.declared_spelling import in_lower_case
from services.identity.domain.email_addresses import address_canonical, folded
from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import Declared, Folding, InvalidValue, NamespaceKind, PolicySet
from services.identity.domain.respelling import denotes, respelling
from services.identity.store import respelling_queue
from services.identity.usecases.put_policies import put_policies
from services.identity.usecases.respell_identifiers import respell_identifiers
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import EXAMPLES, NOW, an_identifier, evidence

KINDS = discover(services.identity.namespaces, "namespace", NamespaceKind)
DEFAULTS = PolicySet(1, {kind.name: kind.policy for kind in KINDS})
MAIL = {"mail.example": Folding(dots=True, plus_tags=True)}


def declaring(**fields: Any) -> PolicySet:
    email = msgspec.structs.replace(DEFAULTS.of("email"), folding=fields.get("folding", {}))
    user_id = msgspec.structs.replace(DEFAULTS.of("user_id"), case_rules=fields.get("case_rules", {}))
    return PolicySet(2, {**DEFAULTS.policies, "email": email, "user_id": user_id})


FOLDING = declaring(folding=MAIL)
CASELESS = declaring(case_rules={"shop": "insensitive"})
BOTH = declaring(folding=MAIL, case_rules={"shop": "insensitive"})


def with_respellings(events: list[Evidence], policies: PolicySet) -> list[Evidence]:
    seen = {one for event in events for one in event.identifiers}
    pairs = [(one, other) for one in sorted(seen) if (other := denotes(one, policies)) is not None]
    return events + [respelling(*pair, event_id=new_id(), received_at=NOW) for pair in pairs]


@given(st.text(st.sampled_from("abİΣſßK\u0345\u0301ÅA ＡZ"), min_size=1, max_size=12))
def test_what_ignores_case_is_canonical_still_and_its_own_lower_case(value: str) -> None:
    text = tidy(value)
    if isinstance(text, InvalidValue):
        return
    lower = in_lower_case(text)
    assert in_lower_case(lower) == lower == tidy(lower)


@given(st.text("ab.+", min_size=1, max_size=10), st.booleans(), st.booleans())
def test_an_alias_is_an_address_and_its_own_alias(local: str, dots: bool, plus_tags: bool) -> None:
    address = address_canonical(f"{local}@mail.example")
    if isinstance(address, InvalidValue):
        return
    rule = Folding(dots=dots, plus_tags=plus_tags)
    alias = folded(address, rule)
    if address_canonical(alias) == alias:
        assert folded(alias, rule) == alias


def histories(seed: int) -> list[Evidence]:
    chance = random.Random(seed)
    mails = [f"{name}@{domain}" for name in ("an.na", "anna", "a.nna+x", "bob", "b.ob") for domain in
             ("mail.example", "other.example")]  # fmt: skip
    names = [an_identifier("email", one) for one in mails]
    users = [an_identifier("user_id", one, "shop") for one in ("Anna", "anna", "BOB", "bob", "carl", "DORA")]
    fans = [an_identifier("wx_openid", f"fan-{number}", "app") for number in range(4)]
    kinds: list[tuple[EvidenceKind, int]] = [("login", 1), ("bind", 2), ("import", 2), ("unbind", 1)]
    return [
        evidence(number, chance.choice(names + users), chance.choice(users + fans + names[:2]), kind=kind, tier=tier,
                 at=chance.randint(0, 400) / 20)
        for number in range(40)
        for kind, tier in [chance.choice(kinds)]
    ]  # fmt: skip


@pytest.mark.parametrize("policies", [FOLDING, BOTH, DEFAULTS], ids=["folding", "both", "none"])
async def test_the_service_joins_spellings_in_any_order_and_equals_the_oracle(
    graph_of: Any, policies: PolicySet
) -> None:
    for seed in range(2):
        graph = await graph_of(policies, KINDS)
        events = [one for one in histories(seed) if len(set(one.identifiers)) == 2]
        random.Random(seed).shuffle(events)
        position = 0
        while position < len(events):
            size = random.Random(position).choice([1, 3, 10])
            await graph.take(events[position : position + size])
            position += size
            assert_equal(await graph.stored(), with_respellings(events[:position], policies), policies)


async def test_two_workers_that_bring_two_spellings_at_once_join_them(graph_of: Any) -> None:
    graph = await graph_of(FOLDING, KINDS)
    events = []
    for number in range(6):
        one, other = (an_identifier("email", f"{name}{number}@mail.example") for name in ("an.na", "anna"))
        fan, user = an_identifier("wx_openid", f"fan-{number}", "app"), an_identifier("user_id", f"u{number}", "shop")
        shares = [evidence(2 * number, fan, one, at=1)], [evidence(2 * number + 1, user, other, at=2)]
        await asyncio.gather(*(graph.take(share, tools=graph.fresh_tools()) for share in shares))
        events += [*shares[0], *shares[1]]
    assert_equal(await graph.stored(), with_respellings(events, FOLDING), FOLDING)


def test_what_is_declared_no_more_joins_nobody() -> None:
    one, other = an_identifier("email", "an.na@mail.example"), an_identifier("email", "anna@mail.example")
    said = with_respellings([evidence(1, one, at=1), evidence(2, other, at=2)], FOLDING)
    assert partition(said, FOLDING, NOW).person_of(one) == {one, other, Identifier("email_alias", "", other.value)}
    assert partition(said, DEFAULTS, NOW).person_of(one) == {one}


def test_an_operator_can_part_two_spellings() -> None:
    one, other = an_identifier("email", "an.na@mail.example"), an_identifier("email", "anna@mail.example")
    said = with_respellings([evidence(1, one, other, kind="cannot_link", tier=0, at=1)], FOLDING)
    assert other not in partition(said, FOLDING, NOW).person_of(one)


async def taken(graph: Graph, events: list[Evidence], chance: random.Random) -> None:
    position = 0
    while position < len(events):
        size = chance.choice([1, 3, 10])
        await graph.take(events[position : position + size])
        position += size


async def put(graph: Graph, policies: PolicySet) -> None:
    """Put policies in force, and have all that is known followed through."""
    await graph.set_clock(NOW)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await put_policies(tx, graph.tools, WORKSPACE, Declared(policies.policies))
    while True:
        async with graph.database.worker.transaction(WORKSPACE) as tx:
            entry = await respelling_queue.claim(tx)
            if entry is None:
                break
            await tx.see([WORKSPACE])
            await respell_identifiers(tx, entry, graph.tools)
    await graph.look_again()


@pytest.mark.parametrize("declared", [FOLDING, CASELESS, BOTH], ids=["folding", "case", "both"])
@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 4)))
async def test_who_takes_spellings_back_has_the_persons_of_one_who_never_declared_them(
    graph_of: Any, declared: PolicySet, seed: int
) -> None:
    chance = random.Random(seed)
    events = [one for one in histories(seed) if len(set(one.identifiers)) == 2]
    chance.shuffle(events)
    half = len(events) // 2
    plain, graph = await graph_of(DEFAULTS, KINDS), await graph_of(declared, KINDS)
    await taken(plain, events, chance)
    await taken(graph, events[:half], chance)
    await put(graph, DEFAULTS)
    await taken(graph, events[half:], chance)
    found, expected = await graph.stored(), await plain.stored()
    spellings = {one for person in found.persons for one in person} - {
        one for said in events for one in said.identifiers
    }
    assert found.nobodys == spellings
    assert set(found.persons) - {frozenset([one]) for one in spellings} == set(expected.persons)
    assert len(set(found.ids.values())) == len(set(expected.ids.values()))
    await put(graph, declared)
    assert_equal(await graph.stored(), with_respellings(events, declared), declared)
    assert (await graph.stored()).nobodys == frozenset()
