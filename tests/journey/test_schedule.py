"""Laws and cases of when things happen."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.journey.domain.local_clock import instant, local_date
from services.journey.domain.schedule import Daily, LocalTime, Once, Recurrence, Window
from services.journey.domain.zones import UnknownZone, zone, zone_or
from tests.fixtures.shared_data import sample_cases

CASES = sample_cases("scheduling_sample.json")
ONCE: TypeAdapter[Once] = TypeAdapter(Once)
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo",
         "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu"]  # fmt: skip
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def answer(case: dict[str, Any]) -> datetime | list[datetime]:
    place = zone_or(case.get("zone"), case.get("workspace_zone", "UTC"))
    if case["rule"]["kind"] == "daily":
        return Daily.model_validate(case["rule"]).occurrences(place)
    if isinstance(case["expect"], list):
        return Recurrence.model_validate(case["rule"]).occurrences(place)
    found = ONCE.validate_python(case["rule"]).next(datetime.fromisoformat(case["now"]), place)
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_sample_schedules_come_out_as_written(case: dict[str, Any]) -> None:
    found = answer(case)
    if isinstance(found, list):
        assert found == [datetime.fromisoformat(text) for text in case["expect"]]
    else:
        accepted = [case["expect"], *case.get("accept", [])]
        assert found in [datetime.fromisoformat(text) for text in accepted]


@given(moments, st.sampled_from(ZONES), st.times(), st.integers(0, 6))
def test_a_local_time_is_never_in_the_past_and_keeps_its_clock(
    now: datetime, name: str, at: time, weekday: int
) -> None:
    at = at.replace(second=0, microsecond=0)
    place = zone(name)
    found = LocalTime(at=at).next(now, place)
    assert now <= found <= now + timedelta(days=3)
    assert (
        found == instant(datetime.combine(local_date(found, place), at), place) or found.astimezone(place).time() > at
    )


@given(moments, st.sampled_from(ZONES), st.times(), st.times())
def test_a_window_answers_with_a_moment_that_stays_put_when_asked_again(
    now: datetime, name: str, opens: time, closes: time
) -> None:
    opens, closes = opens.replace(second=0, microsecond=0), closes.replace(second=0, microsecond=0)
    if opens == closes:
        return
    window = Window.model_validate({"from": opens, "to": closes})
    found = window.next(now, zone(name))
    assert found >= now
    assert window.next(found, zone(name)) == found


def test_a_daily_time_fires_once_per_local_day_in_every_zone_of_tzdata() -> None:
    from importlib import resources

    names = (resources.files("tzdata") / "zones").read_text().split()
    assert len(names) > 500
    for name in names:
        place = zone(name)
        fired = Daily(at=time(2, 30), first=date(2026, 1, 1), last=date(2026, 12, 31)).occurrences(place)
        assert len(set(fired)) == 365, name
        assert fired == sorted(fired), name


def test_an_unknown_zone_falls_back_to_the_workspaces_and_never_reads_a_path() -> None:
    assert zone_or("Mars/Olympus", "Asia/Shanghai").key == "Asia/Shanghai"
    assert zone_or(None, "Nowhere").key == "UTC"
    for name in ("../../etc/passwd", "", "/etc/localtime", "Asia", "UTC\0", "Europe/../UTC"):
        with pytest.raises(UnknownZone):
            zone(name)


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "window", "from": "09:00", "to": "09:00"},
        {"kind": "days", "days": []},
        {"kind": "yearly", "month": 2, "day": 30},
        {"kind": "rrule", "rrule": "FREQ=OFTEN", "start_local": "2026-01-01T00:00:00"},
        {"kind": "rrule", "rrule": "FREQ=SECONDLY", "start_local": "2026-01-01T00:00:00"},
        {"kind": "rrule", "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "start_local": "2026-01-01T00:00:00"},
        {"kind": "local_time", "at": "25:00"},
        {"kind": "date", "value": "tomorrow"},
    ],
    ids=lambda broken: broken["kind"],
)
def test_a_rule_without_sense_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ONCE.validate_python(broken)


def test_a_recurrence_keeps_its_clock_time_over_a_change_of_the_offset() -> None:
    rule = ONCE.validate_python(
        {"kind": "rrule", "rrule": "FREQ=WEEKLY;BYDAY=MO;COUNT=60", "start_local": "2026-01-05T09:00:00"}
    )
    berlin = zone("Europe/Berlin")
    found = rule.next(datetime(2026, 3, 25, tzinfo=UTC), berlin)
    assert found is not None
    assert found.astimezone(berlin).isoformat() == "2026-03-30T09:00:00+02:00"
    assert rule.next(datetime(2027, 6, 1, tzinfo=UTC), berlin) is None
