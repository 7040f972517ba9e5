"""Buckets, persons by age, places, and calendars of the person's own, through the whole service."""

from datetime import UTC, datetime, timedelta

import pytest

NEW = {"person": "younger_than", "span": "7 days"}
HALVES = [{"bucket": "spring", "from": 0, "to": 50}, {"bucket": "spring", "from": 50, "to": 100}]


async def test_a_bucket_splits_everybody_and_stays_when_others_join(stage):
    first, second = [await stage.segment(half, name=str(half["from"])) for half in HALVES]
    early = [f"p{number}" for number in range(40)]
    await stage.create(*early)
    one, other = await stage.members(first), await stage.members(second)
    assert one | other == set(early) and not one & other
    assert 8 <= len(one) <= 32
    await stage.create(*(f"q{number}" for number in range(20)))
    assert await stage.members(first) & set(early) == one
    await stage.clock(stage.now + timedelta(days=400))
    assert await stage.members(first) & set(early) == one
    assert await stage.members(await stage.segment(HALVES[0], name="again")) == await stage.members(first)


async def test_another_salt_draws_anew(stage):
    names = [f"p{number}" for number in range(40)]
    await stage.create(*names)
    drawn = [await stage.members(await stage.segment({**HALVES[0], "bucket": salt}, name=salt)) for salt in "ab'\n"]
    assert len({frozenset(one) for one in drawn}) == len(drawn)


async def test_a_merge_leaves_the_survivor_in_his_bucket(stage):
    everybody = await stage.segment({"bucket": "x", "from": 0, "to": 100})
    await stage.create("kim", "lea")
    await stage.merge("kim", "lea")
    assert await stage.members(everybody) == {"kim"}


async def test_a_person_stops_being_new_to_the_second(stage):
    new = await stage.segment(NEW)
    old = await stage.segment({"person": "older_than", "span": "7 days"})
    start = stage.now
    await stage.create("kim")
    assert (await stage.members(new), await stage.members(old)) == ({"kim"}, set())
    await stage.clock(start + timedelta(days=7) - timedelta(seconds=1))
    assert await stage.members(new) == {"kim"}
    await stage.clock(start + timedelta(days=7))
    assert (await stage.members(new), await stage.members(old)) == (set(), {"kim"})
    assert [change[2:] for change in await stage.changes()][-2:] == [("exited", "time"), ("entered", "time")]
    await stage.assert_no_drift()


async def test_a_merged_person_is_as_old_as_the_oldest_and_a_split_makes_him_young_again(stage):
    new = await stage.segment(NEW)
    await stage.create("kim")
    await stage.pass_time(days=5)
    await stage.event("lea", "seen")
    await stage.create("lea")
    await stage.pass_time(days=3)
    assert await stage.members(new) == {"lea"}
    await stage.merge("lea", "kim")
    assert await stage.members(new) == set()
    await stage.split("lea", "kim", 1000 + stage.person("kim"))
    assert await stage.members(new) == {"lea"}
    await stage.assert_no_drift()


async def test_a_place_is_in_a_circle_and_in_a_polygon(stage):
    bund = {"lat": 31.2397, "lon": 121.4906}
    near = await stage.segment({"trait": "home", "op": "within_circle", "center": bund, "radius_m": 2500})
    corners = [{"lat": 31, "lon": 121}, {"lat": 31, "lon": 122}, {"lat": 32, "lon": 122}, {"lat": 32, "lon": 121}]
    area = await stage.segment({"trait": "home", "op": "within_polygon", "corners": corners})
    seen = await stage.segment(
        {"did": "seen", "where": [{"prop": "at", "op": "within_circle", "center": bund, "radius_m": 2500}]}
    )
    await stage.trait("kim", "home", {"lat": 31.2303, "lon": 121.4747})  # 1.8 km away
    await stage.trait("lea", "home", {"lat": "31.20", "lon": "121.44"})  # 6.5 km away, written as text
    await stage.trait("max", "home", {"lat": 39.9, "lon": 116.4})
    await stage.trait("noa", "home", {"lat": 131, "lon": 121.5})
    await stage.event("max", "seen", {"at": {"lat": 31.24, "lon": 121.49}})
    assert await stage.members(near) == {"kim"}
    assert await stage.members(area) == {"kim", "lea"}
    assert await stage.members(seen) == {"max"}


async def test_today_is_each_persons_own(stage):
    today = {"trait": "due", "op": "in_period", "period": "day", "zone": "person"}
    day = stage.now.replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=1)
    await stage.clock(day)
    segment = await stage.segment(today)
    for name, zone in (("kim", "Asia/Shanghai"), ("lea", "America/New_York"), ("max", None), ("noa", "Mars/Base")):
        await stage.trait(name, "due", (day + timedelta(days=1)).date().isoformat())
        if zone:
            await stage.trait(name, "timezone", zone)
    assert await stage.members(segment) == {"kim"}, "in Shanghai it is two in the morning of the next day"
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    await stage.clock(midnight)
    assert await stage.members(segment) == {"kim", "max", "noa"}
    await stage.clock(midnight + timedelta(hours=5))
    assert await stage.members(segment) == {"kim", "lea", "max", "noa"}
    await stage.clock(midnight + timedelta(hours=16))
    assert await stage.members(segment) == {"lea", "max", "noa"}
    await stage.trait("lea", "timezone", "Pacific/Kiritimati")
    assert await stage.members(segment) == {"max", "noa"}
    await stage.assert_no_drift()


async def test_a_birthday_falls_on_the_persons_own_day(stage):
    await stage.clock(datetime(2027, 2, 27, 18, tzinfo=UTC))
    segment = await stage.segment({"trait": "born", "op": "anniversary", "zone": "person"})
    await stage.trait("kim", "born", "1992-02-29", personal=True)
    await stage.trait("kim", "timezone", "Asia/Shanghai")
    await stage.trait("lea", "born", "1992-02-29", personal=True)
    assert await stage.members(segment) == {"kim"}
    await stage.clock(datetime(2027, 2, 28, 15, 59, tzinfo=UTC))
    assert await stage.members(segment) == {"kim", "lea"}
    await stage.clock(datetime(2027, 2, 28, 16, tzinfo=UTC))
    assert await stage.members(segment) == {"lea"}
    await stage.assert_no_drift()


async def test_before_after_and_between_go_by_the_clock_where_the_person_lives(stage):
    zones = {"kim": "Asia/Shanghai", "lea": "America/New_York", "max": None, "noa": "Mars/Base"}  # else it is UTC
    for name, zone in zones.items():
        await stage.trait(name, "at", "2024-05-01T12:00:00Z")  # 20:00 in Shanghai, 08:00 in New York
        if zone:
            await stage.trait(name, "timezone", zone)
    own = {"trait": "at", "zone": "person"}
    before, after, between, day = [
        await stage.segment({**own, **test}, name=str(number))
        for number, test in enumerate(
            [
                {"op": "before", "value": "2024-05-01T12:00"},
                {"op": "after", "value": "2024-05-01T12:00"},
                {"op": "between", "value": ["2024-05-01T08:00", "2024-05-01T12:00:00.000001"]},
                {"op": "after", "value": "2024-04-30"},
            ]
        )
    ]
    assert await stage.members(before) == {"lea"}
    assert await stage.members(after) == {"kim"}
    assert await stage.members(between) == {"lea", "max", "noa"}
    assert await stage.members(day) == {"kim", "lea", "max", "noa"}
    await stage.trait("lea", "timezone", "Asia/Shanghai")
    await stage.trait("max", "timezone", "Pacific/Pago_Pago")
    assert (await stage.members(before), await stage.members(after)) == ({"max"}, {"kim", "lea"})
    await stage.trait("kim", "at", "2024-05-01T11:59:59.999999")  # names no zone: so his clock showed
    assert await stage.members(before) == {"kim", "max"}
    await stage.trait("kim", "at", "2024-05-01")
    await stage.trait("lea", "at", "2024-04-30T16:00:00Z")  # midnight there
    await stage.trait("max", "at", "2024-05-01T10:59:59Z")  # the last second of 30 April there
    assert await stage.members(day) == {"kim", "lea", "noa"}
    body = {"segment_id": day, "person_no": stage.person("max")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    assert explained["conditions"][0]["value"] == "2024-05-01T10:59:59Z Pacific/Pago_Pago"
    await stage.assert_no_drift()


async def test_a_bound_that_names_a_zone_is_shown_by_the_persons_clock(stage):
    before = await stage.segment({"trait": "at", "op": "before", "value": "2024-05-01T12:00:00Z", "zone": "person"})
    for name, zone in (("kim", "Asia/Shanghai"), ("lea", "America/New_York")):
        await stage.trait(name, "at", "2024-05-01T12:00:00")
        await stage.trait(name, "timezone", zone)
    assert await stage.members(before) == {"kim"}, "it is eight in the evening by his clock, in the morning by hers"
    await stage.trait("lea", "timezone", None)
    assert await stage.members(before) == {"kim"}
    await stage.trait("lea", "at", "2024-05-01T11:59:59.999999+00:00")
    assert await stage.members(before) == {"kim", "lea"}
    await stage.assert_no_drift()


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({"trait": "x", "op": "between", "value": [20, 30], "zone": "person"}, "/definition/zone"),
        ({"trait": "x", "op": "between", "value": ["a", "2024-05-01"], "zone": "person"}, "/definition/zone"),
        ({"trait": "x", "op": "between", "value": [20, 30], "zone": "workspace"}, "/definition/zone"),
        ({"trait": "x", "op": "gt", "value": "2024-05-01", "zone": "person"}, "/definition/zone"),
        ({"trait": "x", "op": "before", "value": "2024-05-01", "zone": "Europe/Berlin"}, "/definition/zone"),
        (
            {"did": "e", "where": [{"prop": "x", "op": "before", "value": "2024-05-01", "zone": "person"}]},
            "/definition/where/0/zone",
        ),
        (
            {"account": "any", "where": [{"trait": "x", "op": "after", "value": "2024-05-01", "zone": "person"}]},
            "/definition/where/0/zone",
        ),
    ],
)
async def test_a_zone_where_it_means_nothing_is_refused(stage, definition, pointer):
    answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
