"""Quiet hours in the person's zone, across midnight and the changes of clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.domain.policy import Quiet
from services.messaging.domain.quiet import blocking, next_allowed
from services.messaging.domain.zones import is_zone, zone, zone_or

NIGHT = (Quiet(22 * 60, 8 * 60),)
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
zones = st.sampled_from(
    ["UTC", "Asia/Shanghai", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_message_in_the_night_waits_for_the_morning_of_its_person() -> None:
    paris = zone("Europe/Paris")
    assert next_allowed(NIGHT, "push", at("2026-05-04T21:00:00+00:00"), paris) == at("2026-05-05T06:00:00+00:00")
    assert next_allowed(NIGHT, "push", at("2026-05-04T03:00:00+00:00"), paris) == at("2026-05-04T06:00:00+00:00")
    noon = at("2026-05-04T12:00:00+00:00")
    assert next_allowed(NIGHT, "push", noon, paris) == noon


def test_the_first_allowed_minute_is_the_end_of_the_window_itself() -> None:
    assert blocking(NIGHT, "push", at("2026-05-04T07:59:59+00:00"), zone("UTC")) is not None
    assert blocking(NIGHT, "push", at("2026-05-04T08:00:00+00:00"), zone("UTC")) is None
    assert blocking(NIGHT, "push", at("2026-05-04T22:00:00+00:00"), zone("UTC")) is not None


def test_an_end_in_a_skipped_hour_is_shifted_by_the_length_of_the_gap() -> None:
    rule = (Quiet(22 * 60, 2 * 60 + 30),)
    assert next_allowed(rule, "push", at("2026-03-28T23:00:00+00:00"), zone("Europe/Paris")) == at(
        "2026-03-29T03:30:00+02:00"
    )


def test_a_window_over_midnight_belongs_to_the_day_it_opens() -> None:
    friday_night = (Quiet(22 * 60, 8 * 60, frozenset({"fri"})),)
    utc = zone("UTC")
    assert blocking(friday_night, "push", at("2026-05-08T23:00:00+00:00"), utc) is not None
    assert blocking(friday_night, "push", at("2026-05-09T07:00:00+00:00"), utc) is not None
    assert blocking(friday_night, "push", at("2026-05-08T07:00:00+00:00"), utc) is None


def test_a_rule_for_one_channel_leaves_the_others_alone() -> None:
    rule = (Quiet(0, 12 * 60, channels=frozenset({"sms"})),)
    assert blocking(rule, "sms", at("2026-05-08T10:00:00+00:00"), zone("UTC")) is not None
    assert blocking(rule, "email", at("2026-05-08T10:00:00+00:00"), zone("UTC")) is None


def test_rules_that_leave_no_minute_say_so() -> None:
    always = (Quiet(0, 0),)
    assert next_allowed(always, "push", at("2026-05-08T10:00:00+00:00"), zone("UTC")) is None


@given(
    moment=moments,
    name=zones,
    opens=st.integers(0, 1439),
    closes=st.integers(0, 1439),
)
def test_the_next_allowed_moment_is_allowed_and_never_in_the_past(
    moment: datetime, name: str, opens: int, closes: int
) -> None:
    if opens == closes:
        return
    rules, place = (Quiet(opens, closes),), zone(name)
    found = next_allowed(rules, "push", moment, place)
    assert found is not None
    assert moment <= found <= moment + timedelta(days=2)
    assert blocking(rules, "push", found, place) is None


def test_a_missing_or_unknown_zone_is_the_workspaces() -> None:
    assert zone_or(None, "Asia/Shanghai").key == "Asia/Shanghai"
    assert zone_or("Mars/Olympus", "Asia/Shanghai").key == "Asia/Shanghai"
    assert zone_or("", "").key == "UTC"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "Europe", "/etc/localtime", "Europe/./Paris"])
def test_a_path_is_no_zone(name: str) -> None:
    assert not is_zone(name)
