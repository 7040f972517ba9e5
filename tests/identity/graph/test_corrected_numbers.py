"""Case 7, its second half: a number declared by mistake is taken back once whoever declared it has proved his own."""

import random
from itertools import permutations
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain import assignment
from services.identity.domain.evidence import Evidence, EvidenceKind
from services.identity.domain.partition import Partition, Refused, partition
from tests.identity.graph.graphs import Graph
from tests.identity.graph.test_partition_laws import many, policy_sets
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.test_tricky_cases import (
    ANNA,
    BOB,
    CRM,
    EMAIL,
    PHONE,
    UNION_A,
    UNION_B,
    decide,
    openid,
    refusal,
    together,
)
from tests.identity.graph.worlds import DENSE, FADING, GUARDED, NOW, an_identifier, evidence, histories

RIGHT = an_identifier("phone", "+8613912340002")
WORK = an_identifier("phone", "+8613912340003")
CORRECTED = "retracted", "corrected"
OWNED = evidence(1, ANNA, PHONE, at=1)
TYPO = evidence(2, BOB, PHONE, kind="bind", tier=2, at=30)
PROVED = evidence(3, BOB, RIGHT, at=31)


def test_case_07_whoever_proves_his_own_number_takes_the_typo_back_in_any_order() -> None:
    for events in permutations([OWNED, TYPO, PROVED, TYPO]):
        result = decide(*events)
        assert result.refused == {(PHONE, BOB): Refused(*CORRECTED, (ANNA, RIGHT))}
        assert result.persons == {frozenset({ANNA, PHONE}), frozenset({BOB, RIGHT})}


def test_case_07_the_owner_is_as_before() -> None:
    before, after = decide(OWNED, TYPO), decide(OWNED, TYPO, PROVED)
    assert refusal(before, BOB, PHONE) == ("suppressed", "limit:user_id")
    assert before.person_of(ANNA) == after.person_of(ANNA) == {ANNA, PHONE}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([evidence(3, BOB, RIGHT, at=30)], CORRECTED),
        ([evidence(3, BOB, RIGHT, at=29)], ("suppressed", "limit:user_id")),
        ([PROVED, evidence(4, BOB, PHONE, kind="import", tier=2, at=32)], ("suppressed", "limit:user_id")),
        ([PROVED, evidence(4, BOB, PHONE, kind="observe", tier=3, at=32)], ("suppressed", "limit:user_id")),
        ([PROVED, evidence(4, BOB, RIGHT, kind="unbind", at=33)], ("suppressed", "limit:user_id")),
        ([evidence(3, BOB, RIGHT, kind="bind", tier=2, at=31)], ("suppressed", "limit:user_id")),
        ([evidence(3, BOB, EMAIL, at=31)], ("suppressed", "limit:user_id")),
        ([PROVED, evidence(4, ANNA, PHONE, kind="retract", tier=0, at=40)], None),
    ],
    ids=[
        "at once",
        "before",
        "typed again",
        "seen again",
        "gone again",
        "declared too",
        "another kind",
        "no owner left",
    ],
)
def test_case_07_it_is_a_typo_as_long_as_another_proved_it_and_its_giver_another_since(
    more: list[Evidence], told: tuple[str, str] | None
) -> None:
    result = decide(OWNED, TYPO, *more)
    assert (refusal(result, BOB, PHONE) if told else together(result, BOB, PHONE)) == (told or True)


def test_case_07_an_address_is_mistyped_like_a_number_and_any_log_in_of_his_proves_another() -> None:
    right = an_identifier("email", "bob@example.cn")
    events = [
        evidence(1, ANNA, EMAIL, at=1),
        evidence(2, BOB, EMAIL, kind="import", tier=2, at=2),
        evidence(3, BOB, UNION_B, at=3),
    ]
    assert refusal(decide(*events, evidence(4, UNION_B, right, at=4)), BOB, EMAIL) == CORRECTED
    assert refusal(decide(*events, evidence(4, UNION_A, right, at=4)), BOB, EMAIL)[0] == "suppressed"


def test_case_07_what_nobody_proved_and_what_both_proved_are_no_typos() -> None:
    declared = evidence(1, ANNA, PHONE, kind="bind", tier=2, at=40)
    assert refusal(decide(declared, TYPO, PROVED), BOB, PHONE)[0] == "suppressed"
    assert refusal(decide(OWNED, evidence(2, BOB, PHONE, at=0.5), PROVED), BOB, PHONE)[0] == "suppressed"


def test_case_07_whom_an_operator_parted_stays_parted_by_his_word() -> None:
    parted = evidence(4, ANNA, UNION_B, kind="cannot_link", tier=0, at=5)
    typo = evidence(2, UNION_B, PHONE, kind="bind", tier=2, at=30)
    proved = evidence(3, UNION_B, RIGHT, at=31)
    assert refusal(decide(OWNED, typo, proved, parted), UNION_B, PHONE) == ("suppressed", "cannot_link")


def test_case_07_a_member_who_changes_his_number_stays_one_with_whom_the_old_one_joined_him_to() -> None:
    """Nothing contradicts that the two are one: a second number is no sign of a typo (cases 10 and 13)."""
    events = [
        evidence(1, CRM, PHONE, kind="import", tier=2, at=1),
        evidence(2, UNION_A, PHONE, at=2),
        evidence(3, openid(1), UNION_A, at=2),
        evidence(4, CRM, RIGHT, at=50),
        evidence(5, CRM, WORK, kind="bind", tier=2, at=60),
    ]
    result = decide(*events)
    assert result.refused == {}
    assert result.persons == {frozenset({CRM, PHONE, RIGHT, WORK, UNION_A, openid(1)})}


KINDS: tuple[tuple[EvidenceKind, int], ...] = (
    ("login", 1), ("login", 1), ("login", 1), ("import", 2), ("import", 2), ("import", 2), ("observe", 3),
    ("unbind", 1),
)  # fmt: skip


def typing(chance: random.Random, length: int = 14, values: int = 3) -> list[Evidence]:
    """A history of people who say and prove numbers, now and then over a union or an openid."""
    events = []
    for number in range(length):
        namespace = chance.choice(["account", "account", "union", "openid"])
        scope = "app1" if namespace == "openid" else ""
        who, kind = an_identifier(namespace, chance.randrange(values), scope), chance.choice(KINDS)
        other = "account" if namespace != "account" and chance.random() < 0.5 else "tel"
        what = an_identifier(other, chance.randrange(values + 3))
        events.append(evidence(number, who, what, kind=kind[0], tier=kind[1], at=chance.randrange(0, 2400) / 20))
    return events


typists = st.randoms(use_true_random=False).map(typing) | histories()


def uncorrected(events: list[Evidence], policies: Any) -> Partition:
    with patch.object(assignment, "correct"):
        return partition(events, policies, NOW)


def test_the_histories_have_typos() -> None:
    told = [partition(typing(random.Random(seed)), DENSE, NOW).refused.values() for seed in range(200)]
    assert sum(any(why.reason == "corrected" for why in refused) for refused in told) > 20


@many
@given(typists, policy_sets)
def test_case_07_a_correction_changes_nobody(events: list[Evidence], policies: Any) -> None:
    result, without = partition(events, policies, NOW), uncorrected(events, policies)
    assert (result.persons, result.active, result.shared) == (without.persons, without.active, without.shared)
    assert result.recheck_at == without.recheck_at
    for pair, why in result.refused.items():
        if why.reason != "corrected":
            assert without.refused[pair] == why
            continue
        assert without.refused[pair].reason.startswith("limit:")
        assert why.blockers is not None
        for end, blocker in zip(pair, why.blockers, strict=True):
            assert blocker in result.person_of(end)


@many
@given(typists, policy_sets, st.data())
def test_case_07_order_and_repetition_do_not_matter(events: list[Evidence], policies: Any, data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=5))
    shuffled = data.draw(st.permutations([*events, *repeats]))
    assert partition(shuffled, policies, NOW) == partition(events, policies, NOW)


@pytest.mark.parametrize("policies", [DENSE, FADING, GUARDED], ids=["dense", "fading", "guarded"])
async def test_case_07_the_service_corrects_in_any_order_and_equals_the_oracle(graph_of: Any, policies: Any) -> None:
    seen = 0
    for seed in range(3):
        graph: Graph = await graph_of(policies)
        chance = random.Random(seed)
        events = typing(chance, 60, values=4)
        for position in range(0, len(events), 3):
            await graph.take(events[position : position + 3])
            stored = await graph.stored()
            seen += CORRECTED in stored.refused.values()
            assert_equal(stored, events[: position + 3], policies)
    assert seen
