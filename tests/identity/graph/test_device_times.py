"""Cases 4 and 16 on the rule itself: who held a device when is a function of the set of log-ins and log-outs."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.common.painting import BEGINNING
from services.identity.domain.device_times import Hold, Signal, holds
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import NamespacePolicy
from tests.identity.graph.worlds import NOW, START, an_identifier

ANNA = an_identifier("user_id", "anna", "shop")
BOB = an_identifier("user_id", "bob", "shop")
TABLET = NamespacePolicy(priority=6, bridges=False, ttl_days=670)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def login(who: Identifier, at: float, tier: int = 1) -> Signal:
    return Signal(day(at), "login", who, tier)


def logout(who: Identifier | None, at: float, tier: int = 1) -> Signal:
    return Signal(day(at), "logout", who, tier)


def whose(found: list[Hold], at: datetime) -> Identifier | None:
    return [hold for hold in found if hold.starts_at <= at][-1].who


def owners(*signals: Signal, at: list[float], policy: NamespacePolicy = TABLET, now: datetime = NOW) -> list[str]:
    found = holds(signals, policy, now)
    return [who.value if (who := whose(found, day(one))) is not None else "nobody" for one in at]


def test_case_04_between_two_log_ins_a_device_is_the_last_ones():
    assert owners(login(ANNA, 1), login(BOB, 10), at=[2, 9.9, 10, 50]) == ["anna", "anna", "bob", "bob"]


def test_case_04_before_the_first_log_in_it_is_the_first_users_for_thirty_days():
    signals = login(ANNA, 40), login(BOB, 50)
    assert owners(*signals, at=[0, 9.9, 10, 39]) == ["nobody", "nobody", "anna", "anna"]
    week = msgspec.structs.replace(TABLET, look_back_days=7)
    assert owners(*signals, at=[32, 33, 39], policy=week) == ["nobody", "anna", "anna"]
    for_ever = msgspec.structs.replace(TABLET, look_back_days=None)
    assert holds(signals, for_ever, NOW)[0][:2] == (BEGINNING, ANNA)


def test_case_04_after_a_log_out_it_is_nobodys_until_the_next_log_in():
    signals = login(ANNA, 1), logout(ANNA, 5), login(BOB, 10)
    assert owners(*signals, at=[4, 5, 9.9, 10]) == ["anna", "nobody", "nobody", "bob"]
    unnamed = login(ANNA, 1), logout(None, 5), login(ANNA, 10)
    assert owners(*unnamed, at=[4, 5, 11]) == ["anna", "nobody", "anna"]


def test_who_logs_out_was_there_until_then():
    assert owners(logout(ANNA, 40), at=[9, 10, 39, 40, 41]) == ["nobody", "anna", "anna", "nobody", "nobody"]
    assert owners(login(BOB, 1), logout(ANNA, 5), at=[4, 5, 6]) == ["bob", "nobody", "nobody"]


def test_a_log_in_at_the_instant_of_a_log_out_does_not_outlast_it():
    assert owners(login(ANNA, 5), logout(ANNA, 5), at=[4, 5]) == ["anna", "nobody"]


def test_a_public_key_neither_takes_a_device_from_a_better_proved_holder_nor_logs_him_out_as_another():
    signals = login(ANNA, 1, tier=1), login(BOB, 5, tier=2), logout(BOB, 6, tier=2)
    assert owners(*signals, at=[2, 5, 6, 9]) == ["anna", "anna", "anna", "anna"]


def test_what_is_taken_back_never_counted_and_what_is_unbound_counts_until_then():
    retracted = login(ANNA, 1), login(BOB, 5), Signal(day(8), "retract", BOB, 1)
    assert owners(*retracted, at=[2, 6, 9]) == ["anna", "anna", "anna"]
    unbound = login(ANNA, 1), login(BOB, 5), Signal(day(8), "unbind", BOB, 1)
    assert owners(*unbound, at=[2, 6, 9]) == ["anna", "bob", "anna"]


def test_who_was_not_seen_for_its_time_to_live_has_lost_the_device():
    short = msgspec.structs.replace(TABLET, ttl_days=30)
    signals = login(ANNA, 1, tier=1), login(BOB, 10, tier=2)
    assert owners(*signals, at=[2, 20, 32], policy=short, now=day(35)) == ["anna", "anna", "bob"]
    assert owners(*signals, at=[2, 20, 32, 41], policy=short, now=day(90)) == ["anna", "anna", "bob", "nobody"]


signals = st.lists(
    st.builds(
        Signal,
        st.integers(0, 30).map(day),
        st.sampled_from(["login", "login", "login", "logout", "unbind", "retract"]),
        st.sampled_from([ANNA, BOB, None]),
        st.integers(1, 2),
    ).filter(lambda one: one.who is not None or one.kind == "logout"),
    max_size=12,
)


@given(signals, st.randoms(use_true_random=False))
def test_case_16_the_order_and_repetition_of_what_is_known_do_not_matter(known, random):
    again = known + random.sample(known, len(known) // 2)
    random.shuffle(again)
    assert holds(again, TABLET, NOW) == holds(known, TABLET, NOW)


@given(signals, st.integers(0, 30))
def test_whose_a_device_was_is_not_changed_by_what_happened_later_but_for_the_look_back(known, number):
    kept = [one for one in known if one.kind != "retract"]
    until = [one for one in kept if one.at <= day(number)]
    if any(one.who is not None and one.kind != "unbind" for one in until):
        assert whose(holds(kept, TABLET, NOW), day(number)) == whose(holds(until, TABLET, NOW), day(number))


@given(signals)
def test_all_of_time_is_somebodys_or_nobodys_without_gaps(known):
    found = holds(known, TABLET, NOW)
    assert found[0].starts_at == BEGINNING
    assert [one.starts_at for one in found] == sorted({one.starts_at for one in found})
    assert all(left.who != right.who for left, right in pairwise(found))
