"""Made-up histories, step by step: after every step each member of each segment is as the oracle says."""

import random
from datetime import timedelta

import pytest

from tests.segment.oracle import Person, When, is_member

SEGMENTS = [
    {"did": "bought", "count": {"op": "gte", "n": 2}, "window": {"last": "3 days"}},
    {"none": [{"did": "bought", "window": {"last": "2 days"}}]},
    {"did": "bought", "count": {"op": "between", "n": [0, 1]}},
    {
        "did_prefix": "b",
        "window": {"from_ago": "4 days", "to_ago": "1 day"},
        "where": [{"prop": "n", "op": "gt", "value": 3}],
    },
    {"all": [{"trait": "age", "op": "gte", "value": 5}, {"any": [{"did": "seen"}, {"trait": "vip", "op": "missing"}]}]},
    {"trait": "due", "op": "within_next", "span": "2 days"},
    {"trait": "due", "op": "in_period", "period": "day", "offset": 0},
    {"trait": "age", "op": "has_been", "value": 5, "for_at_least": "1 day"},
]  # fmt: skip
STEPS = 25


class History:
    """What the oracle is told."""

    def __init__(self, stage, chance):
        self.stage, self.chance = stage, chance
        self.names = [f"p{number}" for number in range(5)]
        self.owner = {name: name for name in self.names}
        self.events = {name: [] for name in self.names}
        self.traits = {name: Person() for name in self.names}

    def alive(self):
        return [name for name in self.names if self.owner[name] == name]

    def person(self, name):
        events = [event for source, owner in self.owner.items() if owner == name for event in self.events[source]]
        return Person(self.traits[name].traits, self.traits[name].since, events)

    async def event(self):
        name = self.chance.choice(self.names)
        at = self.stage.now + timedelta(hours=self.chance.choice([0, 0, 0, -5, -30, -80, 7, 40]))
        event, props = self.chance.choice(["bought", "bought", "seen"]), {"n": self.chance.randint(0, 9)}
        self.events[name].append((event, at, props))
        # identity names the present person, and the identifier the event came by
        present = self.stage.recorded(self.owner[name], event, props, at=at, subject=1000 + self.stage.person(name))
        await self.stage.say(present)

    async def trait(self):
        name, trait = self.chance.choice(self.alive()), self.chance.choice(["age", "vip", "due"])
        due = (self.stage.now + timedelta(hours=self.chance.randint(-60, 60))).isoformat()
        value = {"age": self.chance.choice([5, 5, 4, None]), "vip": self.chance.choice([True, None]), "due": due}[trait]
        held = self.traits[name]
        if held.traits.get(trait) == value:
            return
        held.traits[trait], held.since[trait] = value, self.stage.now
        await self.stage.trait(name, trait, value)

    async def merge(self):
        if len(self.alive()) < 3:
            return
        survivor, loser = self.chance.sample(self.alive(), 2)
        self.owner = {name: survivor if owner == loser else owner for name, owner in self.owner.items()}
        await self.stage.merge(survivor, loser)

    async def split(self):
        merged = [name for name in self.names if self.owner[name] != name]
        if not merged:
            return
        name = self.chance.choice(merged)
        remaining = self.owner[name]
        self.owner[name] = name
        await self.stage.split(remaining, name, 1000 + self.stage.person(name))

    async def wait(self):
        await self.stage.pass_time(hours=self.chance.choice([1, 5, 26]), seconds=self.chance.randint(0, 90))


@pytest.mark.parametrize("seed", range(3))
async def test_a_random_history_agrees_with_the_oracle_after_every_step(stage, seed):
    chance = random.Random(seed)
    history = History(stage, chance)
    await stage.create(*history.names)
    segments = [(await stage.segment(definition), definition) for definition in SEGMENTS]
    done = []
    for _ in range(STEPS):
        step = chance.choices(["event", "trait", "merge", "split", "wait"], [8, 4, 1, 1, 4])[0]
        await getattr(history, step)()
        done.append((step, stage.now))
        when = When(stage.now)
        for segment, definition in segments:
            expected = {name for name in history.alive() if is_member(definition, history.person(name), when)}
            assert await stage.members(segment) == expected, (definition, done)
    await stage.assert_no_drift()
