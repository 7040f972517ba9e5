"""The table of tricky cases of the specification, by number, on the rule itself and with the default policies."""

from datetime import timedelta
from itertools import permutations

import pytest

import services.identity.namespaces
from libs.common.registry import discover
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import subject
from services.identity.domain.partition import Partition, partition
from services.identity.domain.policy import NamespaceKind, PolicySet
from tests.identity.graph.worlds import NOW, START, an_identifier, evidence

DEFAULTS = PolicySet(
    1, {kind.name: kind.policy for kind in discover(services.identity.namespaces, "namespace", NamespaceKind)}
)

ANNA = an_identifier("user_id", "anna", "shop")
BOB = an_identifier("user_id", "bob", "shop")
CRM = an_identifier("crm_id", "c-77", "crm")
PHONE = an_identifier("phone", "+8613912340001")
EMAIL = an_identifier("email", "family@example.cn")
DEVICE = an_identifier("device", "7f8a3d2c-1111-4222-8333-444455556666")
TABLET = an_identifier("device", "9f8a3d2c-1111-4222-8333-444455556666")
COOKIE = an_identifier("cookie", "visitor-1")
UNION_A = an_identifier("wx_unionid", "union-a", "open1")
UNION_B = an_identifier("wx_unionid", "union-b", "open1")
UNION_C = an_identifier("wx_unionid", "union-c", "open1")


def openid(app: int, value: str = "fan") -> Identifier:
    return an_identifier("wx_openid", f"{value}-{app}", f"app{app}")


def decide(*events: Evidence, policies: PolicySet = DEFAULTS, now=NOW) -> Partition:
    return partition(events, policies, now)


def with_policy(namespace: str, **changes) -> PolicySet:
    import msgspec

    policy = msgspec.structs.replace(DEFAULTS.of(namespace), **changes)
    return PolicySet(2, {**DEFAULTS.policies, namespace: policy})


def together(result: Partition, one: Identifier, other: Identifier) -> bool:
    return result.person_of(one) == result.person_of(other)


def refusal(result: Partition, one: Identifier, other: Identifier) -> tuple[str, str]:
    found = result.refused[(one, other) if one < other else (other, one)]
    return found.state, found.reason


def test_case_01_two_users_of_one_issuer_never_merge_over_a_phone():
    result = decide(evidence(1, ANNA, PHONE, at=1), evidence(2, BOB, PHONE, at=10))
    assert together(result, BOB, PHONE)
    assert refusal(result, ANNA, PHONE) == ("suppressed", "limit:user_id")
    weaker_later = decide(evidence(1, ANNA, PHONE, at=1), evidence(2, BOB, PHONE, kind="import", tier=2, at=10))
    assert together(weaker_later, ANNA, PHONE)


def test_case_02_the_issuer_says_two_users_are_one():
    result = decide(
        evidence(1, ANNA, PHONE, at=1),
        evidence(2, BOB, EMAIL, at=2),
        evidence(3, ANNA, BOB, kind="supersede", tier=0, at=3),
    )
    assert result.persons == {frozenset({ANNA, BOB, PHONE, EMAIL})}


def test_a_superseded_user_leaves_room_for_his_successor_alone():
    third = an_identifier("user_id", "carl", "shop")
    result = decide(
        evidence(1, ANNA, BOB, kind="supersede", tier=0, at=3),
        evidence(2, BOB, PHONE, at=4),
        evidence(3, third, PHONE, at=5),
    )
    assert together(result, ANNA, BOB)
    assert not together(result, third, BOB)


def test_supersedes_in_a_circle_leave_one_user_that_counts():
    result = decide(
        evidence(1, ANNA, BOB, kind="supersede", tier=0, at=3),
        evidence(2, BOB, ANNA, kind="supersede", tier=0, at=4),
        evidence(3, an_identifier("user_id", "carl", "shop"), PHONE, at=5),
        evidence(4, ANNA, PHONE, at=6),
    )
    assert sorted(len(person) for person in result.persons) == [1, 3]


def test_case_03_users_of_different_issuers_merge_over_a_verified_phone():
    assert together(decide(evidence(1, ANNA, PHONE, at=1), evidence(2, CRM, PHONE, at=2)), ANNA, CRM)


def test_case_04_a_device_follows_the_last_login_by_event_time():
    events = [evidence(1, ANNA, DEVICE, at=1), evidence(2, BOB, DEVICE, at=10)]
    assert together(decide(*events), BOB, DEVICE)
    late = evidence(3, ANNA, DEVICE, at=5)
    assert together(decide(*events, late), BOB, DEVICE)
    back = evidence(4, ANNA, DEVICE, at=20)
    assert together(decide(*events, late, back), ANNA, DEVICE)


def test_case_05_a_kiosk_carries_nobody():
    users = [an_identifier("user_id", f"member-{number}", "shop") for number in range(4)]
    events = [evidence(number, user, TABLET, at=number) for number, user in enumerate(users)]
    assert TABLET not in decide(*events[:3]).shared
    result = decide(*events)
    assert result.shared == {TABLET}
    assert result.person_of(TABLET) == {TABLET}
    assert len(result.persons) == 5


def test_a_weak_sighting_does_not_refresh_a_login():
    result = decide(
        evidence(1, ANNA, DEVICE, at=1),
        evidence(2, BOB, DEVICE, at=5),
        evidence(3, ANNA, DEVICE, kind="observe", tier=3, at=9),
    )
    assert together(result, BOB, DEVICE)


def test_two_fans_on_one_tablet_never_become_one():
    result = decide(evidence(1, openid(1, "ann"), TABLET, at=1), evidence(2, openid(2, "ben"), TABLET, at=2))
    assert not together(result, openid(1, "ann"), openid(2, "ben"))
    assert together(result, openid(2, "ben"), TABLET)
    assert refusal(result, openid(1, "ann"), TABLET) == ("suppressed", "leaf")


def test_case_07_a_declared_typo_does_not_take_a_verified_phone():
    result = decide(evidence(1, ANNA, PHONE, at=1), evidence(2, BOB, PHONE, kind="bind", tier=2, at=30))
    assert together(result, ANNA, PHONE)
    assert refusal(result, BOB, PHONE) == ("suppressed", "limit:user_id")
    corrected = decide(
        evidence(1, ANNA, PHONE, at=1),
        evidence(2, BOB, PHONE, kind="bind", tier=2, at=30),
        evidence(3, BOB, PHONE, kind="retract", tier=2, at=31),
    )
    assert refusal(corrected, BOB, PHONE) == ("retracted", "")
    assert together(corrected, ANNA, PHONE)


def test_case_08_a_family_email_belongs_to_one_and_is_shared_above_the_threshold():
    users = [an_identifier("user_id", f"member-{number}", "shop") for number in range(4)]
    events = [evidence(number, user, EMAIL, at=number) for number, user in enumerate(users)]
    three = decide(*events[:3])
    assert together(three, users[2], EMAIL)
    assert refusal(three, users[0], EMAIL)[0] == "suppressed"
    assert decide(*events).shared == {EMAIL}


def test_case_09_thirty_accounts_are_one_fan_once_the_unionid_is_known():
    alone = [evidence(number, openid(number), at=1) for number in range(30)]
    assert len(decide(*alone).persons) == 30
    joined = [evidence(100 + number, openid(number), UNION_A, at=2) for number in range(27)]
    result = decide(*alone, *joined)
    assert len(result.person_of(UNION_A)) == 28
    assert len(result.persons) == 4


def test_case_10_the_mini_program_login_joins_fans_member_and_crm():
    result = decide(
        evidence(1, openid(1), UNION_A, at=1),
        evidence(2, openid(2), UNION_A, at=1),
        evidence(3, ANNA, PHONE, at=2),
        evidence(4, CRM, PHONE, kind="import", tier=2, at=3),
        evidence(5, openid(3), UNION_A, PHONE, at=4),
    )
    assert len(result.persons) == 1


def test_case_12_two_unionids_on_one_phone_join_only_when_both_are_proved():
    proved = decide(evidence(1, UNION_A, PHONE, at=1), evidence(2, UNION_B, PHONE, at=2))
    if isinstance(DEFAULTS.of("wx_unionid").max_per_person, int):
        pytest.skip("the default table gives no cap by tier")
    assert together(proved, UNION_A, UNION_B)
    declared = decide(evidence(1, UNION_A, PHONE, at=1), evidence(2, UNION_B, PHONE, kind="bind", tier=2, at=2))
    assert refusal(declared, UNION_B, PHONE) == ("suppressed", "limit:wx_unionid")
    third = decide(
        evidence(1, UNION_A, PHONE, at=1), evidence(2, UNION_B, PHONE, at=2), evidence(3, UNION_C, PHONE, at=3)
    )
    assert len(third.persons) == 2


def test_case_12_different_users_keep_two_unionids_apart():
    result = decide(
        evidence(1, ANNA, UNION_A, at=1),
        evidence(2, BOB, UNION_B, at=1),
        evidence(3, UNION_A, PHONE, at=2),
        evidence(4, UNION_B, PHONE, at=3),
    )
    assert not together(result, UNION_A, UNION_B)
    assert together(result, BOB, PHONE)


def test_case_13_a_recycled_number_passes_to_the_newer_verified_owner():
    result = decide(evidence(1, ANNA, PHONE, at=1), evidence(2, BOB, PHONE, at=100))
    assert together(result, BOB, PHONE)
    assert not together(result, ANNA, BOB)


def test_case_13_a_dormant_member_is_joined_unless_the_workspace_fears_recycling():
    events = [evidence(1, ANNA, PHONE, at=1), evidence(2, UNION_A, PHONE, at=100)]
    assert together(decide(*events), ANNA, UNION_A)
    careful = decide(*events, policies=with_policy("phone", reassign_after_days=90))
    assert not together(careful, ANNA, UNION_A)
    assert refusal(careful, ANNA, PHONE) == ("expired", "reassigned")
    active = decide(*events, evidence(3, ANNA, at=95), policies=with_policy("phone", reassign_after_days=90))
    assert together(active, ANNA, UNION_A)


def test_case_14_a_limit_keeps_the_newest_and_loses_nothing():
    phones = [an_identifier("phone", f"+86139123400{number:02}") for number in range(7)]
    result = decide(*(evidence(number, ANNA, phone, at=number) for number, phone in enumerate(phones)))
    assert result.person_of(ANNA) == {ANNA, *phones[2:]}
    assert [refusal(result, ANNA, phone) for phone in phones[:2]] == [("suppressed", "limit:phone")] * 2


OF_A_DEVICE = [evidence(1, ANNA, DEVICE, at=1), evidence(2, BOB, DEVICE, at=10), evidence(3, ANNA, PHONE, at=90)]


def test_case_15_repeated_events_change_nothing():
    assert decide(*OF_A_DEVICE) == decide(*OF_A_DEVICE, *OF_A_DEVICE)


def test_case_16_late_events_end_in_the_same_state():
    for order in permutations(OF_A_DEVICE):
        assert decide(*order) == decide(*OF_A_DEVICE)


def test_case_17_a_clock_in_the_future_does_not_own_a_device_for_ever():
    ahead = evidence(1, ANNA, DEVICE, at=900, received_at=START + timedelta(days=1))
    assert together(decide(ahead, evidence(2, BOB, DEVICE, at=2)), BOB, DEVICE)


def test_case_18_two_users_in_one_event_are_linked_to_nothing_by_it():
    event = evidence(1, ANNA, BOB, COOKIE, PHONE, at=1)
    result = decide(event)
    assert result.persons == {frozenset({ANNA}), frozenset({BOB}), frozenset({COOKIE, PHONE})}
    assert subject(event, DEFAULTS) == PHONE


def test_case_21_a_chain_with_a_conflict_at_its_ends_is_cut_by_the_sort_key():
    events = [
        evidence(1, ANNA, EMAIL, tier=1, at=1),
        evidence(2, EMAIL, PHONE, kind="bind", tier=2, at=2),
        evidence(3, BOB, PHONE, tier=1, at=3),
    ]
    result = decide(*events)
    assert result == decide(*events[::-1])
    assert refusal(result, EMAIL, PHONE) == ("suppressed", "limit:user_id")
