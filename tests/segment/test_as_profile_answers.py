"""Who allows contact and who can be reached: segment says what profile answers at the moment of sending."""

import random
from datetime import timedelta
from itertools import product

import pytest

from tests.fixtures.apps import House, ServiceApp
from tests.profile.saying import an_event, identify, merged, owns, person_id, progressed, publish, split

PURPOSES, CHANNELS, TOPICS = ("marketing", "service"), ("email", "sms"), ("", "news")
QUESTIONS = [
    {"purpose": purpose, "channel": channel, **({"topic": topic} if topic else {})}
    for purpose, channel, topic in product(PURPOSES, CHANNELS, TOPICS)
]
LIVE = QUESTIONS[:2]
REACHED = ("email", "sms")
PERSONS = (7, 8, 9)
STEPS = 9


class Life:
    """Profile and segment beside each other, the same things heard by both."""

    def __init__(self, house: House, profile: ServiceApp, segment: ServiceApp, chance: random.Random) -> None:
        self.house, self.profile, self.segment, self.chance = house, profile, segment, chance
        self.sealer = profile.runtime.sealer(1)
        self.version = 1
        self.owner = {number * 10: number for number in PERSONS}
        self.alive = set(PERSONS)
        self.segments: list[str] = []

    async def begin(self) -> None:
        for subject, number in self.owner.items():
            await publish(
                self.house.bus,
                owns(number, subject, 1, sealer=self.sealer),
                identify(number, subject, traits={"tier": "gold"}, sealer=self.sealer),
            )
        await self.settle()
        for definition in (*({"consented": asked} for asked in LIVE), *({"reachable": one} for one in REACHED)):
            body = {"name": "s", "definition": definition, "state": "live"}
            answer = await self.segment.client.post("/v1/segment/segments", json=body)
            assert answer.status_code == 201, answer.text
            self.segments.append(answer.json()["segment_id"])
        await self.settle()

    async def settle(self) -> None:
        await self.profile.drain()
        await self.segment.drain()

    def scope(self):
        return {
            "purpose": self.chance.choice([*PURPOSES, "*", "marketing"]),
            "channel": self.chance.choice([*CHANNELS, "*"]),
            "topic": self.chance.choice([*TOPICS, ""]),
        }

    def ago(self):
        return (self.profile.runtime.now(1) - timedelta(minutes=self.chance.randint(0, 30))).isoformat()

    async def statement(self) -> None:
        said = {**self.scope(), "state": self.chance.choice(["granted", "granted", "denied", "withdrawn"])}
        said["at"] = self.ago()
        if said["state"] == "granted" and self.chance.random() < 0.5:
            end = self.profile.runtime.now(1) + timedelta(minutes=self.chance.randint(1, 240))
            said["expires_at"] = end.isoformat()
        if self.chance.random() < 0.5:
            said["person_id"] = str(person_id(self.chance.choice(sorted(self.alive))))
        else:
            subject = self.chance.choice(sorted(self.owner))
            said["identifier"] = {"namespace": "user_id", "value": f"user_id-{subject}"}
        answer = await self.profile.client.post("/v1/profile/consents", json=said)
        assert answer.status_code == 201, answer.text

    async def event(self) -> None:
        subject = self.chance.choice(sorted(self.owner))
        name = self.chance.choice(["Consent Granted", "Unsubscribed"])
        known = self.chance.random() < 0.5
        properties = {key: value for key, value in self.scope().items() if value}
        word = an_event(self.owner[subject], subject, name=name, properties=properties, authenticated=known)
        await publish(self.house.bus, word)

    async def address(self) -> None:
        subject = self.chance.choice(sorted(self.owner))
        name = self.chance.choice("abc")
        personal = self.chance.choice([{"email": f"{name}@example.com"}, {"phone": f"+86138000000{ord(name)}"}])
        known = self.chance.random() < 0.5
        traits = {"verified": True} if known else {}
        word = identify(
            self.owner[subject], subject, minute=self.minute(), personal=personal, traits=traits,
            authenticated=known, sealer=self.sealer,
        )  # fmt: skip
        await publish(self.house.bus, word)

    async def report(self) -> None:
        state = self.chance.choice(["bounced", "bounced", "unsubscribed", "complained", "sent"])
        await publish(self.house.bus, progressed(self.chance.choice(PERSONS), state, minute=self.minute()))

    def minute(self) -> float:
        return (self.profile.runtime.now(1) - self.house.now).total_seconds() / 60

    async def policy(self) -> None:
        policy = {
            word: [{"purpose": "marketing", "channel": self.chance.choice([*CHANNELS, "*"])}]
            for word in ("opt_out", "opt_in")
            if self.chance.random() < 0.7
        }
        answer = await self.profile.client.put("/v1/profile/consent-policy", json=policy)
        assert answer.status_code == 200, answer.text

    async def merge(self) -> None:
        if len(self.alive) < 2:
            return
        winner, loser = self.chance.sample(sorted(self.alive), 2)
        await self._move(winner, [subject for subject, owner in self.owner.items() if owner == loser])
        await publish(self.house.bus, merged(winner, loser, self.version))
        self.alive.discard(loser)

    async def split(self) -> None:
        gone = sorted(set(PERSONS) - self.alive)
        if not gone:
            return
        back = self.chance.choice(gone)
        stays = self.owner[back * 10]
        await self._move(back, [back * 10])
        await publish(self.house.bus, split(stays, back, self.version))
        self.alive.add(back)

    async def _move(self, owner: int, subjects) -> None:
        self.version += 1
        for subject in subjects:
            self.owner[subject] = owner
            await publish(self.house.bus, owns(owner, subject, self.version, sealer=self.sealer))

    async def wait(self) -> None:
        until = self.profile.runtime.now(1) + timedelta(minutes=self.chance.choice([1, 20, 90]))
        await self.profile.advance_to(until)
        await self.segment.advance_to(until)

    async def compare(self, done) -> None:
        await self.settle()
        for number, channel in enumerate(REACHED):
            questions = [{"person_no": person, "channel": channel, "purpose": "any"} for person in PERSONS]
            answer = await self.profile.client.post(
                "/v1/profile/reachability", json={"questions": questions}, headers=self.profile.as_service("messaging")
            )
            # what the gate takes for an address: services/messaging/domain/gate.py
            addressed = [one for one in answer.json()["answers"] if one["address"] is not None]
            truth = {one["person_no"] for one in addressed if one["contact_state"] != "bounced"}
            await self.same({"reachable": channel}, truth, self.segments[len(LIVE) + number], done)
        others = self.chance.sample(QUESTIONS[len(LIVE) :], 2)
        for number, asked in enumerate((*LIVE, *others)):
            questions = [{"person_no": person, "topic": "", **asked} for person in PERSONS]
            answer = await self.profile.client.post(
                "/v1/profile/reachability", json={"questions": questions}, headers=self.profile.as_service("messaging")
            )
            truth = {one["person_no"] for one in answer.json()["answers"] if one["state"] == "granted"}
            await self.same({"consented": asked}, truth, self.segments[number] if number < len(LIVE) else None, done)

    async def same(self, condition, truth, segment, done) -> None:
        """Ask about the persons now; and compare the live segment, where there is one."""
        body = {"condition": condition, "person_nos": list(PERSONS)}
        heard = await self.segment.client.post("/v1/segment/questions/membership", json=body)
        assert heard.status_code == 200, heard.text
        assert set(heard.json()["person_nos"]) == truth, (condition, done)
        if segment is not None:
            page = await self.segment.client.get(f"/v1/segment/segments/{segment}/members")
            assert {item["person_no"] for item in page.json()["items"]} == truth & self.alive, (condition, done)


@pytest.mark.parametrize("seed", range(3))
async def test_segment_says_what_profile_answers_after_every_step(house: House, seed: int):
    profile, segment = await house.start("profile"), await house.start("segment")
    life = Life(house, profile, segment, random.Random(seed))
    await life.begin()
    done: list[str] = []
    for _ in range(STEPS):
        weights = {
            "statement": 6,
            "event": 3,
            "address": 4,
            "report": 3,
            "policy": 2,
            "merge": 2,
            "split": 1,
            "wait": 4,
        }
        step = life.chance.choices(list(weights), list(weights.values()))[0]
        await getattr(life, step)()
        done.append(step)
        await life.compare(done)
