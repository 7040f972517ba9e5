"""The same events in any order, twice over, make the same runs."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from libs.common.bus import MemoryBus
from libs.common.contracts.event import Event
from tests.fixtures.apps import House, a_house
from tests.journey.stage import Stage, a_stage

JOURNEY: dict[str, Any] = {
    "entry": {"on": "event", "event": "cart", "filter": [{"path": "items", "op": "gt", "value": 0}]},
    "entry_key": ["person", "cart_id"],
    "exit_rules": [{"event": "paid", "filter": [{"path": "cart_id", "same": "cart_id"}]}],
    "goal": {"event": "thanked", "window": "P2D"},
    "nodes": [
        {"id": "wf", "type": "wait_for",
         "events": [{"event": "viewed", "to": "soft"}, {"event": "called", "to": "end"}],
         "timeout": "PT2H", "timeout_to": "hard", "restart_on": [{"event": "typed"}]},
        {"id": "soft", "type": "send", "channel": "email", "next": None},
        {"id": "hard", "type": "send", "channel": "sms", "next": None},
        {"id": "end", "type": "exit"},
    ],
}  # fmt: skip


def history(stage: Stage, seed: int) -> list[Event]:
    """Return a made-up day: carts, and things that happen to them before anything is due."""
    chance = random.Random(seed)
    events: list[Event] = []
    for person in ("ann", "bob", "cid", "dan"):
        for cart in range(chance.randint(1, 3)):
            entered = stage.now - timedelta(minutes=chance.randint(30, 100))
            properties = {"cart_id": f"c{cart}", "items": chance.randint(0, 3)}
            events.append(stage.event(person, "cart", at=entered, properties=properties))
        for _ in range(chance.randint(0, 3)):
            name = chance.choice(["paid", "viewed", "called", "typed", "thanked", "noise"])
            at = stage.now - timedelta(minutes=chance.randint(0, 100))
            properties = {"cart_id": f"c{chance.randint(0, 2)}"}
            events.append(stage.event(person, name, at=at, properties=properties))
    return events


async def outcome(stage: Stage, batches: list[list[Event]]) -> list[tuple[Any, ...]]:
    """Play batches of events at one moment and let a week pass; return how the runs ended."""
    journey = await stage.journey(JOURNEY)
    await stage.app.put_clock(stage.now, held=True)
    for batch in batches:
        await stage.say(*batch, drain=False)
    for subscription in stage.app.runtime.subscriptions:
        while await subscription.pending():
            await asyncio.sleep(0.01)
    await stage.app.put_clock(stage.now, held=False)
    await stage.app.drain()
    await stage.advance(days=7)
    sent = sorted((i.person_no, i.node, str(i.journey_id == journey)) for i in await stage.read_outbox())
    runs = [(r["person_id"], r["key"], r["state"], r["reason"], r["node"], r["ended_at"], r["converted_at"])
            for r in await stage.runs(journey)]  # fmt: skip
    return [*sorted(runs, key=str), *sent]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_repetition_of_events_makes_the_same_runs(house: House, seed: int) -> None:
    chance = random.Random(seed)
    async with a_stage(house) as stage:
        events = history(stage, seed)
        straight = await outcome(stage, [events])
    assert straight
    async with a_house(house.templates, MemoryBus()) as other, a_stage(other) as stage:
        shuffled = [*events, *chance.sample(events, len(events) // 2)]
        chance.shuffle(shuffled)
        cut = sorted(chance.sample(range(len(shuffled)), min(3, len(shuffled))))
        batches = [shuffled[a:b] for a, b in zip([0, *cut], [*cut, len(shuffled)], strict=True) if a < b]
        assert await outcome(stage, batches) == straight
