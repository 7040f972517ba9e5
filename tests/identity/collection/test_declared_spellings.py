"""What a workspace declares of the values of a namespace: which cards are its own, how an issuer writes its ids."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.canonical import tidy
from services.identity.domain.check_digits import passes_luhn
from services.identity.domain.declared_spelling import declared_spelling, in_lower_case
from services.identity.domain.device_ids import device_canonical
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import Canonical, CaseRule, InvalidValue, NamespaceKind, NamespacePolicy, PolicySet
from services.identity.store.erasures import Tombstone
from services.identity.usecases.sweep_quarantine import mentions
from tests.identity.collection.conftest import Door

NAMESPACES = {each.name: each for each in discover(namespaces, "namespace", NamespaceKind)}
CARD = {"priority": 2, "max_per_person": 3, "parent": "member_id"}


async def declare(door: Door, **declared: dict[str, Any]) -> Any:
    return await door.ask("PUT", "/v1/identity/policies", json={"namespaces": declared})


async def reason(door: Door, namespace: str, value: str, scope: str = "") -> str | None:
    one = {"namespace": namespace, "scope": scope, "value": value}
    answer = await door.ask("POST", "/v1/identity/resolve", json={"items": [{"identifiers": [one]}]})
    assert answer.status_code == 200, answer.text
    found: str | None = answer.json()["items"][0]["identifiers"][0]["reason"]
    return found


def test_the_published_check_digits_are_right_and_no_other_last_digit_is() -> None:
    for right in ("79927398713", "490154203237518", "4539578763621486"):
        assert passes_luhn(right)
        assert not any(passes_luhn(right[:-1] + digit) for digit in "0123456789" if digit != right[-1])


@given(st.text("0123456789", min_size=2, max_size=32), st.integers(0, 31), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(digits: str, place: int, step: int) -> None:
    [check] = [one for one in "0123456789" if passes_luhn(digits + one)]
    right, position = digits + check, place % (len(digits) + 1)
    wrong = str((int(right[position]) + step) % 10)
    assert not passes_luhn(right[:position] + wrong + right[position + 1 :])


@given(st.one_of(st.uuids().map(str), st.text("0123456789abcdefABCDEF-: ", max_size=40), st.text(max_size=20)))
def test_what_is_a_device_id_by_its_kind_is_the_same_by_the_common_name(value: str) -> None:
    for spell in NAMESPACES["device"].named.values():
        outcome = spell(value, None)
        if isinstance(outcome, Canonical):
            assert device_canonical(outcome.value) == outcome.value
            assert spell(outcome.value, None) == outcome


SPELLINGS = st.text(st.sampled_from("abABİıſßK\u0345\u0301ÅＡ"), min_size=1, max_size=3)


@given(st.lists(SPELLINGS, max_size=6), SPELLINGS, st.sampled_from(["insensitive", "sensitive", None]))
def test_a_value_is_blocked_where_the_list_has_it_as_the_issuer_spells_it(
    blocked: list[str], value: str, rule: CaseRule | None
) -> None:
    canonical = tidy(value)
    if isinstance(canonical, InvalidValue):
        return
    rules = {} if rule is None else {"shop": rule}
    policy = NamespacePolicy(priority=1, blocked=tuple(blocked), case_rules=rules)
    spelled = in_lower_case(canonical) if rule == "insensitive" else canonical
    same = (in_lower_case(one) == spelled if rule == "insensitive" else one == spelled for one in blocked)
    expected = InvalidValue("blocked") if any(same) else spelled
    assert declared_spelling(canonical, "shop", policy) == declared_spelling(canonical, "shop", policy) == expected


def test_a_long_list_of_blocked_values_is_spelled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spelled: list[str] = []

    def lower(value: str) -> str:
        spelled.append(value)
        return value.lower()

    monkeypatch.setattr("services.identity.domain.declared_spelling.in_lower_case", lower)
    blocked = tuple(f"Demo-{number}" for number in range(1_000))
    policy = NamespacePolicy(priority=1, blocked=blocked, case_rules={"*": "insensitive"})
    found = [declared_spelling(f"DEMO-{number}", "shop", policy) for number in range(995, 1_005)]
    assert found == 5 * [InvalidValue("blocked")] + [f"demo-{number}" for number in range(1_000, 1_005)]
    assert len(spelled) == 1_000 + 10


async def test_a_card_of_somebody_else_or_misread_is_nobodys_and_says_why(door: Door) -> None:
    assert await reason(door, "member_card", "6300 1234 5678") is None
    assert (await declare(door, member_card={**CARD, "luhn": True, "prefixes": ["6200", "88"]})).status_code == 200
    assert await reason(door, "card_no", "6200 1234 5679") is None
    assert await reason(door, "member_card", "6200 1234 5672") == "wrong_check_digit"
    assert await reason(door, "member_card", "6300 1234 5678") == "not_our_prefix"


async def test_events_count_what_is_refused_by_its_reason(door: Door) -> None:
    await declare(door, member_card={**CARD, "luhn": True})
    ids = [{"type": "member_card", "id": "620012345672", "collection": "users", "encoding": "none"}]
    answer = await door.post("identify", {"userId": "u-1", "messageId": "m-1", "context": {"externalIds": ids}})
    assert answer.status_code == 200, answer.text
    item = {"kind": "login", "tier": 1, "identifiers": [{"namespace": "member_card", "value": "620012345672"}]}
    taken = (await door.ask("POST", "/v1/identity/evidence", json={"items": [item]})).json()["items"][0]
    assert (taken["outcome"], [one["reason"] for one in taken["invalid"]]) == ("no_identifier", ["wrong_check_digit"])


@pytest.mark.parametrize(
    ("namespace", "field", "value"),
    [("phone", "luhn", True), ("user_id", "prefixes", ["88"]), ("shop_card", "luhn", True)],
)
async def test_what_a_namespaces_values_do_not_know_cannot_be_declared(
    door: Door, namespace: str, field: str, value: Any
) -> None:
    answer = await declare(door, **{namespace: {"priority": 3, field: value}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/namespaces/{namespace}/{field}")


async def test_what_is_declared_is_told_again_and_may_be_put_back_as_it_was_told(door: Door) -> None:
    await declare(door, member_card={**CARD, "luhn": True, "prefixes": ["6200"]})
    told = (await door.ask("GET", "/v1/identity/policies")).json()
    card = told["namespaces"]["member_card"]
    assert (card["luhn"], card["prefixes"]) == (True, ["6200"])
    assert (await declare(door, **told["namespaces"])).status_code == 200


async def test_a_call_that_waits_mentions_an_erased_device_under_every_name_it_has(door: Door) -> None:
    graph, workspace_id = door.runtime.parts.graph, door.workspace.workspace_id
    idfa = Identifier("device", "", "7d92078a-8246-4ba4-ae5b-76104861e7dc")
    erased = [Tombstone(graph.sealed_lookup(workspace_id, idfa), "device", "", UUID(int=1))]
    policies = PolicySet(1, {})
    assert mentions(b'{"idfa": "7D92078A82464BA4AE5B76104861E7DC"}', erased, graph, workspace_id, policies)
    assert not mentions(b'{"idfa": "8D92078A82464BA4AE5B76104861E7DC"}', erased, graph, workspace_id, policies)


async def test_a_blocked_value_is_nobodys(door: Door) -> None:
    await declare(door, member_card={**CARD, "blocked": ["620012345679"]})
    assert await reason(door, "member_card", "6200 1234 5679") == "blocked"
    assert await reason(door, "member_card", "6200 1234 5678") is None
