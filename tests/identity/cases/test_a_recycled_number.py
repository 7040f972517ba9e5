"""Case 13 from the collector to the message: a number that an operator gave to somebody else."""

import pytest
import pytest_asyncio

from tests.fixtures.apps import House
from tests.identity.cases.test_a_familys_address import SERVICES, Family
from tests.messaging.provider import FakeProvider

NUMBER = "+8613912340001"


class Line(Family):
    """Two who gave one number, one after the other; text messages go to a provider that takes everything."""

    async def give(self, user: str, number: int, phone: str) -> None:
        """Somebody with an account of his own says his number through the public collector."""
        call = {"type": "identify", "userId": user, "messageId": f"m-{number}", "traits": {"phone": phone},
                "timestamp": f"2026-03-01T07:0{number}:00Z"}  # fmt: skip
        headers = {"authorization": f"Basic {self.token}"}
        answer = await self.apps["identity"].client.post("/v1/batch", json={"batch": [call]}, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def states(self, person_id: str) -> list[tuple[str, str, bool]]:
        portrait = await self.call("profile", "GET", f"persons/{person_id}")
        return [(p["address"], p["state"], p["preferred"]) for p in portrait["contact_points"]]


@pytest_asyncio.fixture
async def line(house: House, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    found = Line({name: await house.start(name) for name in SERVICES}, house.write_key)
    found.mail = FakeProvider("sms")
    found.apps["messaging"].runtime.parts.channels["sms"] = found.mail
    allowed = {"opt_out": [{"purpose": "marketing", "channel": "sms"}]}
    await found.call("profile", "PUT", "consent-policy", allowed)
    return found


async def test_case_13_the_old_owner_of_a_number_is_written_to_there_no_more(line: Line) -> None:
    await line.give("anna", 0, "139 1234 0001")
    anna = (await line.person("anna"))["person_id"]
    assert await line.states(anna) == [(NUMBER, "declared", True)]
    await line.give("bob", 1, NUMBER)
    bob = (await line.person("bob"))["person_id"]
    assert anna != bob
    assert await line.states(anna) == [(NUMBER, "taken", False)]
    assert await line.states(bob) == [(NUMBER, "declared", True)]

    asked = [
        await line.call("messaging", "POST", "messages", {
            "person_id": person_id, "channels": ["sms"], "class": "marketing", "content": {"text": f"Hello {name}"},
        })
        for name, person_id in (("anna", anna), ("bob", bob))
    ]  # fmt: skip
    await line.drain()
    assert [(one.address, one.content["text"]) for one in line.mail.taken] == [(NUMBER, "Hello bob")]
    ends = [await line.call("messaging", "GET", f"messages/{one['message_id']}") for one in asked]
    assert [one["reason"] for one in ends] == ["no_address", ""]

    await line.call("identity", "POST", f"persons/{bob}/erase", {"reason": "art. 17"})
    await line.drain()
    assert await line.states(anna) == [(NUMBER, "declared", True)]
