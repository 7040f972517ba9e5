"""Case 8 from the collector to the mail: each of a family is reached at the address they share."""

import base64
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.apps import House, ServiceApp
from tests.fixtures.draining import drained
from tests.messaging.provider import FakeProvider

FAMILY = "family@example.com"
SERVICES = ("identity", "profile", "messaging")


class Family:
    """identity, profile and messaging, running; mail goes to a provider that takes everything."""

    def __init__(self, apps: dict[str, ServiceApp], write_key: str) -> None:
        self.apps = apps
        self.token = base64.b64encode(f"{write_key}:".encode()).decode()
        self.mail = FakeProvider("email")
        apps["messaging"].runtime.parts.channels["email"] = self.mail

    async def drain(self) -> None:
        await drained(list(self.apps.values()))

    async def call(self, service: str, verb: str, path: str, body: Any = None, **query: Any) -> Any:
        app = self.apps[service]
        answer = await app.client.request(verb, f"/v1/{service}/{path}", json=body, params=query)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def tell(self, user: str, number: int) -> None:
        """A member says the family's address through the public collector."""
        call = {"type": "identify", "userId": user, "messageId": f"m-{number}", "traits": {"email": FAMILY},
                "timestamp": f"2026-03-01T07:0{number}:00Z"}  # fmt: skip
        headers = {"authorization": f"Basic {self.token}"}
        answer = await self.apps["identity"].client.post("/v1/batch", json={"batch": [call]}, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def person(self, user: str) -> Any:
        query = {"namespace": "user_id", "scope": "main", "value": user}
        return await self.call("identity", "GET", "persons/by-identifier", **query)

    async def numbers(self, *person_ids: str) -> list[int]:
        found = await self.call("identity", "POST", "persons/lookup", {"person_ids": person_ids})
        by_id = {one["person_id"]: one["person_no"] for one in found["items"]}
        return [by_id[person_id] for person_id in person_ids]

    async def points(self, person_id: str) -> list[tuple[str, bool, int]]:
        portrait = await self.call("profile", "GET", f"persons/{person_id}")
        return [(p["address"], p["shared"], p["shared_with"]) for p in portrait["contact_points"]]

    async def reach(self, *person_nos: int) -> list[tuple[str, str, bool, int]]:
        questions = [{"person_no": number, "channel": "email", "purpose": "marketing"} for number in person_nos]
        profile = self.apps["profile"]
        answer = await profile.client.post(
            "/v1/profile/reachability", json={"questions": questions}, headers=profile.as_service("messaging")
        )
        assert answer.status_code == 200, answer.text
        return [(a["state"], a["address"], a["shared"], a["shared_with"]) for a in answer.json()["answers"]]


@pytest_asyncio.fixture
async def family(house: House, monkeypatch: pytest.MonkeyPatch) -> Family:
    monkeypatch.setenv("MESSAGING_SMTP_PORT", "9")
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    found = Family({name: await house.start(name) for name in SERVICES}, house.write_key)
    allowed = {"opt_out": [{"purpose": "marketing", "channel": "email"}]}
    await found.call("profile", "PUT", "consent-policy", allowed)
    return found


async def test_case_08_each_of_a_family_is_reached_at_their_address_and_a_content_goes_there_once(family: Family):
    for number, user in enumerate(("anna", "bob")):
        await family.tell(user, number)
    people = [await family.person(user) for user in ("anna", "bob")]
    owned = [any(i["namespace"] == "email" and i["state"] == "active" for i in one["identifiers"]) for one in people]
    assert owned == [False, True], "the address is the one's who gave it last"
    ids = [one["person_id"] for one in people]
    assert len(set(ids)) == 2
    for person_id in ids:
        assert await family.points(person_id) == [(FAMILY, True, 1)]
    numbers = await family.numbers(*ids)
    assert await family.reach(*numbers) == [("granted", FAMILY, True, 1)] * 2

    content = {"subject": "Hello", "text": "To all of you"}
    asked = [
        await family.call("messaging", "POST", "messages", {
            "person_id": person_id, "channels": ["email"], "class": "marketing", "content": content,
        })
        for person_id in ids
    ]  # fmt: skip
    await family.drain()
    assert [one.address for one in family.mail.taken] == [FAMILY]
    ends = [await family.call("messaging", "GET", f"messages/{one['message_id']}") for one in asked]
    assert sorted(one["reason"] for one in ends) == ["", "duplicate"]


async def test_case_08_when_one_is_erased_the_other_keeps_the_address_alone(family: Family):
    for number, user in enumerate(("anna", "bob")):
        await family.tell(user, number)
    anna, bob = [await family.person(user) for user in ("anna", "bob")]
    [number] = await family.numbers(anna["person_id"])
    await family.call("identity", "POST", f"persons/{bob['person_id']}/erase", {"reason": "art. 17"})
    await family.drain()
    assert await family.points(anna["person_id"]) == [(FAMILY, False, 0)]
    assert await family.reach(number) == [("granted", FAMILY, False, 0)]
