"""Cases 4, 5 and 16 from the collector to the timeline and the segment: whose an anonymous event is, in every order."""

import base64
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

import services.identity.namespaces
from libs.common.registry import discover
from services.identity.domain.device_times import Signal, holds
from services.identity.domain.policy import NamespaceKind
from tests.fixtures.apps import START, House, ServiceApp
from tests.fixtures.draining import drained
from tests.identity.graph.worlds import an_identifier

COOKIE = next(
    kind.policy for kind in discover(services.identity.namespaces, "namespace", NamespaceKind) if kind.name == "cookie"
)
VISITOR = "visitor-1"
Calls = list[dict[str, Any]]


def day(number: float) -> datetime:
    """An instant of the sixty days before the clock."""
    return START - timedelta(days=60) + timedelta(days=number)


def call(number: int, at: float, **body: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "anonymousId": VISITOR,
        "messageId": f"m-{number}",
        "timestamp": day(at).isoformat(),
        **body,
    }


def looked(number: int, at: float) -> dict[str, Any]:
    return call(number, at, event=f"Looked {number}")


def login(number: int, at: float, user: str) -> dict[str, Any]:
    return call(number, at, event="Signed In", userId=user)


def logout(number: int, at: float, user: str) -> dict[str, Any]:
    return call(number, at, event="Signed Out", userId=user)


class Three:
    """identity, profile and segment, running."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.apps: list[ServiceApp] = []

    async def start(self) -> "Three":
        self.apps = [await self.house.start(name) for name in ("identity", "profile", "segment")]
        return self

    async def drain(self) -> None:
        await drained(self.apps)

    async def send(self, calls: Calls) -> None:
        token = base64.b64encode(f"{self.house.write_key}:".encode()).decode()
        headers = {"authorization": f"Basic {token}"}
        answer = await self.apps[0].client.post("/v1/batch", json={"batch": calls}, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def get(self, app: int, path: str, **query: Any) -> Any:
        answer = await self.apps[app].client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def person(self, user: str) -> str:
        query = {"namespace": "user_id", "scope": "main", "value": user}
        return str((await self.get(0, "/v1/identity/persons/by-identifier", **query))["person_id"])

    async def owners(self) -> set[str]:
        """Everybody of whom it was ever told that the visitor's cookie is his."""
        query = {"namespace": "cookie", "value": VISITOR}
        told = await self.get(0, "/v1/identity/identifiers/history", **query)
        return {one["person_id"] for one in told["owners"]}

    async def on_timelines(self, name: str) -> set[str]:
        """On whose timelines an event is; a merged id leads to the survivor's."""
        found = set()
        for person_id in await self.owners():
            page = await self.get(1, f"/v1/profile/persons/{person_id}/timeline", limit=200)
            if name in {one["name"] for one in page["items"]}:
                living = await self.get(0, f"/v1/identity/persons/{person_id}")
                found.add(living["canonical_id"])
        return found

    async def segment(self, name: str) -> str:
        body = {"name": name, "definition": {"did": name}, "state": "live"}
        answer = await self.apps[2].client.post("/v1/segment/segments", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["segment_id"])

    async def members(self, segment_id: str) -> set[str]:
        page = await self.get(2, f"/v1/segment/segments/{segment_id}/members")
        return {one["person_id"] for one in page["items"]}


def whose(calls: Calls, at: str) -> str | None:
    """The pure rule: who had the cookie at a time, by the whole set of calls."""
    signals = [
        Signal(
            datetime.fromisoformat(one["timestamp"]),
            "logout" if one["event"] == "Signed Out" else "login",
            an_identifier("user_id", one["userId"], "main"),
            1,
        )
        for one in calls
        if "userId" in one
    ]
    held = [hold for hold in holds(signals, COOKIE, START) if hold.starts_at <= datetime.fromisoformat(at)][-1]
    return held.who.value if held.who is not None else None


def a_history(chance: random.Random) -> Calls:
    """Two people and one cookie; anonymous use before, between and after."""
    calls = [looked(number, chance.uniform(0, 60)) for number in range(5)]
    for number in range(10, 10 + chance.randint(2, 5)):
        kind = chance.choice([login, login, logout])
        calls.append(kind(number, chance.uniform(35, 60), chance.choice(["anna", "bob"])))
    return [*calls, login(30, chance.uniform(35, 60), "anna"), login(31, chance.uniform(35, 60), "bob")]


@pytest.mark.parametrize("seed", range(3))
async def test_case_16_in_every_order_timelines_and_segments_say_who_had_the_device_then(house: House, seed: int):
    chance = random.Random(seed)
    three = await Three(house).start()
    calls = a_history(chance)
    names = [one["event"] for one in calls if "userId" not in one]
    segments = {name: await three.segment(name) for name in names}
    shuffled = chance.sample(calls, len(calls))
    while shuffled:
        size = chance.randint(1, 5)
        await three.send(shuffled[:size])
        shuffled = shuffled[size:]
    people = {user: await three.person(user) for user in ("anna", "bob")}
    for one in calls:
        if "userId" in one:
            continue
        who, members = whose(calls, one["timestamp"]), await three.members(segments[one["event"]])
        assert await three.on_timelines(one["event"]) == members
        assert len(members) == 1, (one, calls)
        if who is None:
            assert not members & set(people.values()), (one, calls)
        else:
            assert members == {people[who]}, (one, calls)


async def test_case_05_what_was_done_at_a_kiosk_leaves_whoever_had_it_before(house: House):
    three = await Three(house).start()
    segment = await three.segment("Looked 1")
    await three.send([login(10, 10, "anna"), looked(1, 11)])
    anna = await three.person("anna")
    assert await three.members(segment) == await three.on_timelines("Looked 1") == {anna}
    await three.send([login(11 + number, 20 + number, f"member-{number}") for number in range(3)])
    after = await three.members(segment)
    assert after == await three.on_timelines("Looked 1")
    assert len(after) == 1
    assert anna not in after
    await three.send([looked(1, 11), looked(2, 30)])
    assert await three.on_timelines("Looked 2") == after


async def test_a_log_out_is_heard_under_the_name_the_source_gives_it(house: House):
    three = await Three(house).start()
    answer = await three.apps[0].client.post(
        "/v1/identity/sources",
        json={"key": "web", "name": "Web", "kind": "server", "best_tier": 1, "logout_event": "Abgemeldet"},
    )
    assert answer.status_code == 201, answer.text
    three.house.write_key = answer.json()["write_key"]
    away = call(12, 20, event="Abgemeldet", userId="anna")
    other = call(13, 15, event="Signed Out", userId="anna")
    await three.send([login(10, 10, "anna"), other, looked(1, 16), away, looked(2, 30)])
    anna = await three.person("anna")
    assert await three.on_timelines("Looked 1") == {anna}
    assert anna not in await three.on_timelines("Looked 2")
