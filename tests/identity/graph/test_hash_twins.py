"""Hashed identifiers and the plain ones they are the hashes of."""

import asyncio
import hashlib
import random
from itertools import permutations

import services.identity.namespaces
from libs.common.ids import new_id
from libs.common.registry import discover
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.phone_numbers import spellings
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.twins import TWIN_SOURCE, twin_evidence, twins_of
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import NOW, an_identifier, evidence

KINDS = discover(services.identity.namespaces, "namespace", NamespaceKind)
DEFAULTS = PolicySet(1, {kind.name: kind.policy for kind in KINDS})
PHONE_KIND = next(kind for kind in KINDS if kind.name == "phone")
PHONE = an_identifier("phone", "+8613912340001")
MD5, *OTHERS = twins_of(PHONE, PHONE_KIND)
ANNA, BOB, CARL, DORA = (an_identifier("user_id", name, "shop") for name in ("anna", "bob", "carl", "dora"))
TWIN = twin_evidence(PHONE, MD5, event_id=new_id(), received_at=NOW)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def decide(*events: Evidence):
    return partition(events, DEFAULTS, NOW)


def test_a_phone_is_hashed_in_three_spellings_by_two_algorithms():
    assert len({MD5, *OTHERS}) == 6
    assert {one.value for one in (MD5, *OTHERS) if one.namespace == "phone_md5"} == {
        md5("13912340001"), md5("8613912340001"), md5("+8613912340001"),
    }  # fmt: skip


def test_an_american_number_is_never_taken_for_the_chinese_one_of_the_same_digits():
    assert not set(spellings("+13125551234")) & set(spellings("+8613125551234"))


def test_a_hub_and_its_hashes_stand_and_fall_together():
    events = [evidence(1, ANNA, PHONE, at=1), evidence(2, BOB, PHONE, at=2), evidence(3, CARL, MD5, at=3), TWIN]
    assert decide(*events).shared == set()
    crowded = decide(*events, evidence(4, DORA, MD5, at=4))
    assert crowded.shared == {PHONE, MD5}
    assert decide(*events, evidence(4, DORA, MD5, at=4), evidence(5, DORA, MD5, kind="unbind", at=5)).shared == set()


def test_silence_does_not_part_a_phone_from_its_hash():
    import msgspec

    careful = msgspec.structs.replace(DEFAULTS.of("phone"), reassign_after_days=30, ttl_days=30)
    policies = PolicySet(2, {**DEFAULTS.policies, "phone": careful})
    result = partition([evidence(1, MD5, at=1), evidence(2, ANNA, PHONE, at=100), TWIN], policies, NOW)
    assert result.person_of(ANNA) == {ANNA, PHONE, MD5}


def histories(seed: int) -> list[Evidence]:
    chance = random.Random(seed)
    phones = [an_identifier("phone", f"+861391234000{number}") for number in range(3)]
    hashed = [one for phone in phones for one in list(twins_of(phone, PHONE_KIND))[:2]]
    users = [an_identifier("user_id", f"u{number}", "shop") for number in range(7)]
    fans = [an_identifier("wx_openid", f"fan-{number}", f"app{number % 2}") for number in range(6)]
    kinds = [("login", 1), ("login", 1), ("bind", 2), ("import", 2), ("unbind", 1)]
    events = []
    for number in range(60):
        kind, tier = chance.choice(kinds)
        one, other = chance.choice(phones + hashed * 2), chance.choice(users + fans)
        if chance.random() < 0.1:
            other = chance.choice([far for far in phones + hashed if far != one])
        events.append(evidence(number, one, other, kind=kind, tier=tier, at=chance.randint(0, 2000) / 20))
    return events


def with_twins(events: list[Evidence]) -> list[Evidence]:
    seen: set[Identifier] = {one for event in events for one in event.identifiers}
    return events + [
        twin_evidence(one, twin, event_id=new_id(), received_at=NOW)
        for one in sorted(seen)
        for twin in twins_of(one, PHONE_KIND)
        if twin in seen
    ]


async def test_the_service_finds_twins_in_any_order_and_equals_the_oracle(graph_of):
    for seed in range(3):
        graph = await graph_of(DEFAULTS, KINDS)
        events = histories(seed)
        assert len(with_twins(events)) > len(events) + 3
        random.Random(seed).shuffle(events)
        position = 0
        while position < len(events):
            size = random.Random(position).choice([1, 3, 10])
            await graph.take(events[position : position + size])
            position += size
            assert_equal(await graph.stored(), with_twins(events[:position]), DEFAULTS)


async def test_a_hash_leads_to_the_person_of_its_phone_whichever_came_first(house):
    identity = await house.start("identity")
    client = identity.client

    def named(namespace: str, value: str, scope: str = "") -> dict[str, str]:
        return {"namespace": namespace, "value": value, "scope": scope}

    orders = list(permutations(range(3)))
    for number, order in enumerate(orders):
        phone = f"+861391235000{number}"
        hashed = named("phone_md5", md5(phone[3:]).upper())
        facts = [
            {"id": f"a{number}", "kind": "login", "tier": 1,
             "identifiers": [named("user_id", f"anna-{number}", "shop"), named("phone", phone)]},
            {"id": f"b{number}", "kind": "observe", "tier": 3, "identifiers": [hashed, named("cookie", f"c-{number}")]},
            {"id": f"c{number}", "kind": "login", "tier": 1,
             "identifiers": [named("wx_openid", f"fan{number}".ljust(28, "x"), "app1"), hashed]},
        ]  # fmt: skip
        for position in order:
            answer = await client.post("/v1/identity/evidence", json={"items": [facts[position]]})
            assert answer.status_code == 200, answer.text
        never_seen = named("phone_sha256", hashlib.sha256(phone.encode()).hexdigest())
        asked = [*(one for fact in facts for one in fact["identifiers"]), never_seen]
        answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [one]} for one in asked]})
        persons = {item["person_id"] for item in answer.json()["items"]}
        assert len(persons) == 1 and None not in persons
        answer = await client.get("/v1/identity/persons/by-identifier", params=never_seen)
        assert answer.json()["canonical_id"] in persons
    explained = (await client.post("/v1/identity/explain", json={"a": named("phone", phone), "b": hashed})).json()
    assert explained["one_person"]
    assert [link["evidence"][0]["source_id"] for link in explained["links"]] == [TWIN_SOURCE]


async def test_two_workers_that_bring_a_phone_and_its_hash_at_once_find_each_other(graph_of):
    graph = await graph_of(DEFAULTS, KINDS)
    phones = [an_identifier("phone", f"+861391236000{number}") for number in range(8)]
    for number, phone in enumerate(phones):
        hashed = next(twins_of(phone, PHONE_KIND))
        shares = [evidence(2 * number, ANNA, phone, at=1)], [evidence(2 * number + 1, BOB, hashed, at=2)]
        await asyncio.gather(*(graph.take(share, tools=graph.fresh_tools()) for share in shares))
    events = [event for number, phone in enumerate(phones) for event in (
        evidence(2 * number, ANNA, phone, at=1),
        evidence(2 * number + 1, BOB, next(twins_of(phone, PHONE_KIND)), at=2),
    )]  # fmt: skip
    assert_equal(await graph.stored(), with_twins(events), DEFAULTS)
