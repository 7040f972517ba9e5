"""A device's events are whoever's it was when they happened: cases 4, 5 and 16 in segments."""

import random
from datetime import timedelta

import pytest

from libs.common.painting import owner_at, paint
from services.segment.store.spans import OwnershipFact
from tests.fixtures.apps import START, House
from tests.segment.stage import Stage, a_stage

DEVICE = 77
LOOKED = {"did": "looked", "count": {"op": "gte", "n": 1}}


def hours_ago(number: float):
    return START - timedelta(hours=number)


async def looks(stage: Stage, name: str, ago: float) -> None:
    await stage.event(name, "looked", at=hours_ago(ago), subject=DEVICE)


async def test_case_04_an_event_counts_for_whoever_had_the_device_at_its_time(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("anna", "bob", "nobody")
    segment = await stage.segment(LOOKED)
    await stage.own(DEVICE, "anna")
    await looks(stage, "anna", 9)
    await stage.app.drain()
    assert await stage.members(segment) == {"anna"}
    await stage.own(DEVICE, "bob", since=hours_ago(5))
    await stage.app.drain()
    assert await stage.members(segment) == {"anna"}
    await looks(stage, "bob", 4)
    await stage.app.drain()
    assert await stage.members(segment) == {"anna", "bob"}
    # he signed out three hours ago, as is heard only now: what was done since is nobody's
    await looks(stage, "bob", 2)
    await stage.own(DEVICE, "nobody", since=hours_ago(3))
    await stage.app.drain()
    assert await stage.members(segment) == {"anna", "bob", "nobody"}
    twice = {"did": "looked", "count": {"op": "gte", "n": 2}}
    assert not [one for one in ("anna", "bob", "nobody") if await stage.ask(one, condition=twice)]
    await stage.assert_no_drift()


async def test_case_16_late_evidence_moves_the_events_of_its_interval_only(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("anna", "bob")
    segment = await stage.segment(LOOKED)
    await stage.own(DEVICE, "anna")
    await looks(stage, "anna", 9)
    await stage.own(DEVICE, "bob", since=hours_ago(8), until=hours_ago(7))
    await stage.app.drain()
    assert await stage.members(segment) == {"anna"}
    await stage.own(DEVICE, "bob", since=hours_ago(10), until=hours_ago(8.5))
    await stage.app.drain()
    assert await stage.members(segment) == {"bob"}
    await stage.assert_no_drift()


async def test_case_05_a_device_that_is_a_kiosk_after_all_is_nobodys_in_all_its_time(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("anna", "bob", "kiosk")
    segment = await stage.segment(LOOKED)
    await stage.own(DEVICE, "anna")
    await stage.own(DEVICE, "bob", since=hours_ago(5))
    await looks(stage, "anna", 9)
    await looks(stage, "bob", 4)
    await stage.app.drain()
    assert await stage.members(segment) == {"anna", "bob"}
    await stage.own(DEVICE, "kiosk")
    await stage.app.drain()
    assert await stage.members(segment) == {"kiosk"}
    await stage.assert_no_drift()


async def test_past_time_on_a_device_follows_a_person_into_a_merge_and_back(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("anna", "bob", "carl")
    segment = await stage.segment(LOOKED)
    await stage.own(DEVICE, "anna")
    await stage.own(DEVICE, "bob", since=hours_ago(5))
    await looks(stage, "anna", 9)
    await looks(stage, "bob", 4)
    await stage.merge("carl", "anna")
    await stage.app.drain()
    assert await stage.members(segment) == {"carl", "bob"}
    await stage.split("carl", "anna")
    await stage.app.drain()
    assert await stage.members(segment) == {"anna", "bob"}
    await stage.assert_no_drift()


async def test_a_window_moves_over_the_events_of_the_one_who_had_the_device(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("anna", "bob")
    segment = await stage.segment({**LOOKED, "window": {"last": "10 hours"}})
    await stage.own(DEVICE, "anna")
    await stage.own(DEVICE, "bob", since=hours_ago(5))
    await looks(stage, "bob", 9)
    await looks(stage, "anna", 4)
    await stage.app.drain()
    assert await stage.members(segment) == {"anna", "bob"}
    await stage.pass_time(hours=1, minutes=1)
    assert await stage.members(segment) == {"bob"}
    await stage.assert_no_drift()


@pytest.mark.parametrize("seed", range(4))
async def test_in_whatever_order_it_is_told_each_event_ends_with_its_owner_then(house: House, seed: int) -> None:
    chance = random.Random(seed)
    stage = await a_stage(house)
    people = ["anna", "bob", "carl"]
    await stage.create(*people)
    segment = await stage.segment(LOOKED)
    facts = [OwnershipFact(DEVICE, stage.person(chance.choice(people)), stage.version())]
    for _ in range(5):
        first, last = sorted(chance.sample(range(1, 24), 2), reverse=True)
        since, until = chance.choice([(hours_ago(first), hours_ago(last)), (hours_ago(first), None), (None, None)])
        facts.append(OwnershipFact(DEVICE, stage.person(chance.choice(people)), stage.version(), since, until))
    events = [chance.uniform(0.5, 24) for _ in range(3)]
    told: list[OwnershipFact | float] = [*facts, *events, *chance.sample(facts, 2)]
    chance.shuffle(told)
    for one in told:
        if isinstance(one, OwnershipFact):
            name, version = stage.name_of(one.person_no), one.version
            kept, stage.versions = stage.versions, version - 1
            await stage.own(DEVICE, name, since=one.since, until=one.until)
            stage.versions = kept
        else:
            await looks(stage, chance.choice(people), one)
        if chance.random() < 0.3:
            await stage.app.drain()
    await stage.app.drain()
    painted = paint(facts)
    assert await stage.members(segment) == {stage.name_of(owner_at(painted, hours_ago(one))) for one in events}
    await stage.assert_no_drift()
