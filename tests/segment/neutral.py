"""The neutral form of the sample cases, put to a segment service on stage: definitions, steps and what they expect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.ids import new_id
from tests.fixtures.apps import House
from tests.segment.stage import WORKSPACE, Stage, a_stage

GROUPS = ("all", "any", "none")


async def a_stage_at(house: House, now: str, zone: str = "UTC") -> Stage:
    """Return a segment service whose workspace lives at an instant, in a zone."""
    house.records[0] = msgspec.structs.replace(house.records[0], driven_now=datetime.fromisoformat(now), timezone=zone)
    return await a_stage(house)


class Timeline:
    """A timeline case that is being played."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.segments: dict[str, str] = {}
        self.held: dict[tuple[str, str], Any] = {}
        self.told: list[tuple[str, str, str, str]] = []
        self.seen: dict[str, set[str]] = {}
        self.links: set[tuple[str, str]] = set()

    def definition(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a definition in this system's own language."""
        for kind in GROUPS:
            if kind in body:
                return {kind: [self.definition(part) for part in body[kind]]}
        for key in ("in_segment", "not_in_segment"):
            if key in body:
                return {key: self.segments.get(body[key], body[key])}
        if "account" in body and "where" not in body:
            tests = {key: value for key, value in body.items() if key != "account"}
            return {"account": body["account"], "where": [tests]}
        if isinstance(body.get("bucket"), Mapping):
            given = body["bucket"]
            low, high = given.get("range", [given.get("from"), given.get("to")])
            return {"bucket": given["salt"], "from": low, "to": high}
        return dict(body)

    async def begin(self, case: Mapping[str, Any]) -> None:
        """Make the persons with their traits, and the segments."""
        if case["persons"]:
            await self.stage.create(*case["persons"])
        for person, traits in case["persons"].items():
            await self.traits(person, traits)
        for name, body in case["segments"].items():
            self.segments[name] = await self.stage.segment(self.definition(body), name=name)
        self.told += await self.stage.changes()

    async def play(self, step: Mapping[str, Any]) -> None:
        """Set the clock and do what the step says, then compare what it expects."""
        await self.stage.clock(datetime.fromisoformat(step["at"]))
        for word, said in step.items():
            do = getattr(self, f"do_{word}", None)
            if do is not None:
                await do(said)
        for word, said in step.items():
            if word.startswith("expect"):
                await getattr(self, word)(said)

    async def traits(self, person: str, traits: Mapping[str, Any]) -> None:
        """Set traits; profile says a change only: the same value again is none."""
        for name, given in traits.items():
            value = None if given == "" else given
            if self.held.get((person, name)) != value:
                await self.stage.trait(person, name, value)
                self.held[person, name] = value

    async def do_event(self, said: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(said["time"]) if "time" in said else None
        await self.stage.event(said["person"], said["name"], said.get("props"), at=at)

    async def do_set_traits(self, said: Mapping[str, Any]) -> None:
        await self.traits(said["person"], said["traits"])

    async def do_define(self, said: Mapping[str, Any]) -> None:
        bodies = {said["segment"]: said["definition"]} if "segment" in said else said
        for name, body in bodies.items():
            await self.change("patch", name, {"definition": self.definition(body)}, 200)

    async def do_manual(self, said: Mapping[str, Any]) -> None:
        lists = {which: [self.stage.person(name) for name in said[which]] for which in ("include", "exclude")}
        await self.change("put", said["segment"], lists, 204, "/lists")

    async def change(self, method: str, segment: str, body: object, status: int, part: str = "") -> None:
        url = f"/v1/segment/segments/{self.segments[segment]}{part}"
        answer = await self.stage.app.client.request(method.upper(), url, json=body)
        assert answer.status_code == status, answer.text
        await self.stage.app.drain()

    async def do_consent(self, said: Mapping[str, Any]) -> None:
        state = said.get("state", "granted")
        await self.stage.say(
            ConsentChanged(
                workspace_id=WORKSPACE, person_no=self.stage.person(said["person"]), purpose=said["purpose"],
                channel=said["channel"], topic=said.get("topic", ""), state=state, version=self.stage.version(),
                received_at=self.stage.now, occurred_at=self.stage.now,
            )
        )  # fmt: skip

    async def do_message(self, said: Mapping[str, Any]) -> None:
        states = {"received": "delivered"}
        word = said.get("state") or said["message"]
        await self.stage.say(
            MessageProgressed(
                workspace_id=WORKSPACE, person_no=self.stage.person(said["person"]), message_id=new_id(),
                state=states.get(word, word), channel=said.get("channel", "email"), reason=said.get("reason", ""),
                topic=said.get("topic", ""), category=said.get("category", ""), link=said.get("link", ""),
                received_at=self.stage.now, occurred_at=self.stage.now,
            )
        )  # fmt: skip

    async def do_account(self, said: Mapping[str, Any]) -> None:
        account = str(said.get("account", said.get("id")))
        for person in [said["person"]] if "person" in said else said.get("persons", []):
            if (person, account) not in self.links:
                self.links.add((person, account))
                await self.stage.group(person, account)
        for name, value in said.get("traits", {}).items():
            await self.stage.account(account, name, value)

    async def expect(self, said: Mapping[str, list[str]]) -> None:
        for name, expected in said.items():
            assert await self.stage.members(self.segments[name]) == set(expected), (name, expected)
        await self.stage.assert_no_drift()

    async def expect_transitions(self, said: Mapping[str, Mapping[str, list[str]]]) -> None:
        self.told += await self.stage.changes()
        for name, persons in said.items():
            for person, expected in persons.items():
                words = [
                    word for segment, who, word, _ in self.told if segment == self.segments[name] and who == person
                ]
                assert words == expected, (name, person)

    async def expect_split(self, said: Mapping[str, Any]) -> None:
        """Each named segment has so many members: a number, [least, most], or {"min": .., "max": ..}."""
        for name, bounds in said.items():
            self.seen[name] = await self.stage.members(self.segments[name])
            if isinstance(bounds, Mapping):
                low, high = bounds.get("min", 0), bounds.get("max", len(self.stage.names))
            else:
                low, high = bounds if isinstance(bounds, list) else (bounds, bounds)
            assert low <= len(self.seen[name]) <= high, name

    async def expect_unchanged(self, said: Any) -> None:
        """Whoever was seen by the last split is a member still, and nobody of then came."""
        for name in [said] if isinstance(said, str) else said:
            before = self.seen.setdefault(name, await self.stage.members(self.segments[name]))
            assert before <= await self.stage.members(self.segments[name]), name

    async def expect_refused(self, said: Mapping[str, Any]) -> None:
        body = {"name": "refused", "state": "live", "definition": self.definition(said["definition"])}
        answer = await self.stage.app.client.post("/v1/segment/segments", json=body)
        assert answer.status_code == 422, answer.text
        pointers = [error["pointer"].removeprefix("/definition") for error in answer.json()["errors"]]
        assert said.get("pointer", pointers[0]) in pointers
