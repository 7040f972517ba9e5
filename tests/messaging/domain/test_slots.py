"""Caps hold under every interleaving; slots are neither lost nor made."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.messaging.domain.intent import Defer, Drop, Intent, Spent, Take
from services.messaging.domain.policy import Calendar, Cap, Dedupe, Policy, Rolling
from services.messaging.domain.slots import Candidate, decide, fits, next_free, used_slots
from services.messaging.domain.windows import window_end, window_start
from services.messaging.domain.zones import zone

START = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
UTC_ZONE = zone("UTC")
CHANNELS = ("push", "sms", "email")

windows = st.one_of(
    st.integers(1, 72).map(lambda hours: Rolling(timedelta(hours=hours))),
    st.sampled_from(["day", "week", "month"]).map(Calendar),
)
caps = st.builds(
    Cap,
    id=st.uuids().map(str),
    count=st.integers(0, 3),
    window=windows,
    channels=st.frozensets(st.sampled_from(CHANNELS), max_size=2),
)
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Paris", "America/New_York", "Pacific/Apia"]).map(zone)


def an_intent(number: int, **facts: object) -> Intent:
    known = {"expires_at": START + timedelta(days=30), "channels": ("push",), **facts}
    return Intent(workspace_id=1, intent_id=UUID(int=number), person_no=1, **known)  # type: ignore[arg-type]


@dataclass
class Ledger:
    """An obvious model of the reservations of one person."""

    slots: dict[UUID, Spent] = field(default_factory=dict)
    confirmed: set[UUID] = field(default_factory=set)

    def decide(self, candidate: Candidate, policy: Policy, now: datetime) -> bool:
        [verdict] = decide([candidate], list(self.slots.values()), policy, now).values()
        if isinstance(verdict, Take):
            self.slots[candidate.intent.intent_id] = candidate.spent(now)
        return isinstance(verdict, Take)


@settings(max_examples=200)
@given(
    rules=st.lists(caps, min_size=1, max_size=3),
    place=zones,
    moves=st.lists(
        st.tuples(st.sampled_from(["ask", "confirm", "release"]), st.sampled_from(CHANNELS), st.integers(0, 600)),
        max_size=40,
    ),
)
def test_a_cap_is_never_exceeded_and_slots_are_conserved(
    rules: list[Cap], place: object, moves: list[tuple[str, str, int]]
) -> None:
    ledger, policy, now = Ledger(), Policy(caps=tuple(rules)), START
    given_out = released = 0
    for number, (what, channel, minutes) in enumerate(moves):
        now += timedelta(minutes=minutes)
        waiting = [i for i in ledger.slots if i not in ledger.confirmed]
        if what == "ask":
            candidate = Candidate(an_intent(number, channels=(channel,)), channel, place)  # type: ignore[arg-type]
            given_out += ledger.decide(candidate, policy, now)
        elif waiting and what == "confirm":
            ledger.confirmed.add(waiting[0])
        elif waiting:
            del ledger.slots[waiting[0]]
            released += 1
        for cap in rules:
            for spent in ledger.slots.values():
                # the window that ends at any sent message holds no more than the cap allows
                before = [s for s in ledger.slots.values() if s.at <= spent.at]
                if fits(cap, spent.channel, "", ""):
                    assert len(used_slots(cap, before, spent.at, place)) <= cap.count  # type: ignore[arg-type]
        assert given_out == len(ledger.slots) + released


def test_a_transactional_message_passes_a_full_cap_and_is_counted() -> None:
    policy = Policy(caps=(Cap("d", 1, Calendar("day")),))
    receipt = an_intent(1, message_class="transactional")
    promotion = an_intent(2)
    verdicts = decide([Candidate(i, "push", UTC_ZONE) for i in (promotion, receipt)], [], policy, START)
    assert isinstance(verdicts[receipt], Take)
    assert verdicts[promotion] == Drop("cap", {"cap": "d", "count": 1, "used": 1}, "push")


def test_the_highest_priority_takes_the_only_slot_and_the_losers_name_it() -> None:
    policy = Policy(caps=(Cap("d", 1, Calendar("day")),))
    ends = START + timedelta(hours=1)
    low, high = an_intent(1, priority=5, window_ends_at=ends), an_intent(2, priority=9, window_ends_at=ends)
    patient = an_intent(3, priority=1, window_ends_at=ends, on_lose="defer")
    verdicts = decide([Candidate(i, "push", UTC_ZONE) for i in (low, high, patient)], [], policy, ends)
    assert isinstance(verdicts[high], Take)
    assert verdicts[low].reason == "priority"  # type: ignore[union-attr]
    assert verdicts[low].values["winner"] == str(high.intent_id)  # type: ignore[union-attr]
    deferred = verdicts[patient]
    assert isinstance(deferred, Defer)
    assert deferred.until == datetime(2026, 3, 29, tzinfo=UTC)


def test_class_comes_before_priority_and_then_value_and_the_earlier_expiry() -> None:
    policy = Policy(caps=(Cap("d", 1, Calendar("day")),))
    service = an_intent(1, message_class="service", priority=0)
    marketing = an_intent(2, priority=100)
    verdicts = decide([Candidate(i, "push", UTC_ZONE) for i in (marketing, service)], [], policy, START)
    assert isinstance(verdicts[service], Take)
    dear, soon = an_intent(3, value=2.0), an_intent(4, value=2.0, expires_at=START + timedelta(days=1))
    cheap = an_intent(5, value=1.0)
    verdicts = decide([Candidate(i, "push", UTC_ZONE) for i in (cheap, dear, soon)], [], policy, START)
    assert isinstance(verdicts[soon], Take)


def test_the_same_topic_is_not_told_twice_within_the_window() -> None:
    policy = Policy(dedupe=(Dedupe("topic", timedelta(days=7)),))
    first, second = an_intent(1, topic="spring"), an_intent(2, topic="spring")
    spent = Candidate(first, "email", UTC_ZONE).spent(START)
    late = START + timedelta(days=7)
    assert decide([Candidate(second, "push", UTC_ZONE)], [spent], policy, late - timedelta(seconds=1))[second] == Drop(
        "duplicate", {"by": "topic", "winner": str(first.intent_id)}, "push"
    )
    assert isinstance(decide([Candidate(second, "push", UTC_ZONE)], [spent], policy, late)[second], Take)


def test_a_retry_does_not_stand_in_its_own_way() -> None:
    policy = Policy(caps=(Cap("d", 1, Calendar("day")),))
    candidate = Candidate(an_intent(1), "push", UTC_ZONE)
    assert isinstance(decide([candidate], [candidate.spent(START)], policy, START)[candidate.intent], Take)


@given(at=moments, place=zones)
def test_calendar_windows_tile_the_time_without_gaps(at: datetime, place: object) -> None:
    for unit in ("day", "week", "month"):
        window = Calendar(unit)  # type: ignore[arg-type]
        start, end = window_start(window, at, place), window_end(window, at, place)  # type: ignore[arg-type]
        assert start <= at < end
        assert window_start(window, end, place) == end  # type: ignore[arg-type]


@given(ages=st.lists(st.integers(0, 23 * 60), min_size=1, max_size=6), count=st.integers(1, 4))
def test_a_cap_has_room_exactly_when_it_says_it_will(ages: list[int], count: int) -> None:
    cap = Cap("c", count, Rolling(timedelta(hours=24)))
    spent = [Spent(UUID(int=n), "push", START - timedelta(minutes=age)) for n, age in enumerate(ages)]
    used = used_slots(cap, spent, START, UTC_ZONE)
    if len(used) < count:
        return
    free = next_free(cap, used, START, UTC_ZONE)
    assert free is not None
    assert len(used_slots(cap, spent, free, UTC_ZONE)) < count
    assert len(used_slots(cap, spent, free - timedelta(microseconds=1), UTC_ZONE)) >= count
