"""ID9 and case 22 from the collector to the picture: a merge and its undoing leave everything as it was."""

import base64
from typing import Any

from tests.fixtures.apps import House, ServiceApp
from tests.fixtures.draining import drained

ANNA = {"namespace": "user_id", "scope": "main", "value": "anna-1"}
MEMBER = {"namespace": "member_id", "scope": "main", "value": "M-77"}
EXTERNAL = {"externalIds": [{"id": "M-77", "type": "member_id", "collection": "users", "encoding": "none"}]}
TIME = "2026-02-{:02d}T08:00:00Z"


class Both:
    """identity and profile, running."""

    def __init__(self, house: House, identity: ServiceApp, profile: ServiceApp) -> None:
        self.house, self.identity, self.profile = house, identity, profile

    async def settle(self) -> None:
        await drained([self.identity, self.profile])

    async def send(self, *calls: dict[str, Any]) -> None:
        token = base64.b64encode(f"{self.house.write_key}:".encode()).decode()
        headers = {"authorization": f"Basic {token}"}
        answer = await self.identity.client.post("/v1/batch", json={"batch": list(calls)}, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def post(self, app: ServiceApp, path: str, **body: Any) -> Any:
        answer = await app.client.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        await self.settle()
        return answer.json()

    async def get(self, app: ServiceApp, path: str, **query: Any) -> Any:
        answer = await app.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def id_of(self, identifier: dict[str, str]) -> str:
        return str((await self.get(self.identity, "/v1/identity/persons/by-identifier", **identifier))["person_id"])

    async def whole(self, person_id: str) -> dict[str, Any]:
        """All that both services say of a person, without the counters of how often he was touched."""
        graph = await self.get(self.identity, f"/v1/identity/persons/{person_id}")
        picture = await self.get(self.profile, f"/v1/profile/persons/{person_id}", lineage=True)
        consents = await self.get(self.profile, f"/v1/profile/persons/{person_id}/consents")
        timeline = await self.get(self.profile, f"/v1/profile/persons/{person_id}/timeline", limit=100)
        shown = ("traits", "contact_points", "consents", "tags", "timezone", "locale", "canonical_id", "person_id")
        return {
            "identifiers": sorted((one["namespace"], one["value"], one["state"]) for one in graph["identifiers"]),
            "ids": (graph["person_id"], graph["canonical_id"], graph["retired_ids"]),
            "picture": {name: picture[name] for name in shown},
            "consents": consents,
            "timeline": [(one["event_id"], one["name"]) for one in timeline["items"]],
        }


async def test_case_22_a_merge_and_its_undoing_leave_ids_traits_addresses_consents_and_tags_exactly_as_they_were(
    house: House,
) -> None:
    identity = await house.start("identity")
    both = Both(house, identity, await house.start("profile"))
    await both.send(
        {
            "type": "identify", "messageId": "m-1", "userId": "anna-1", "timestamp": TIME.format(1),
            "traits": {"tier": "gold", "only": "anna", "email": "anna@example.com"},
            "context": {"timezone": "Asia/Shanghai", "locale": "zh-CN"},
        },
        {
            "type": "identify", "messageId": "m-2", "timestamp": TIME.format(2), "context": EXTERNAL,
            "traits": {"tier": "silver", "points": 7, "email": "member@example.com"},
        },
        {"type": "track", "event": "Bought", "messageId": "m-3", "timestamp": TIME.format(3), "context": EXTERNAL},
    )  # fmt: skip
    anna, member = await both.id_of(ANNA), await both.id_of(MEMBER)
    assert anna != member
    answer = await both.profile.client.put("/v1/profile/tags/vip", json={"kind": "manual"})
    assert answer.status_code == 200, answer.text
    await both.post(both.profile, "/v1/profile/tags/vip/persons", assign=[member])
    say = {"purpose": "marketing", "channel": "email"}
    await both.post(both.profile, "/v1/profile/consents", person_id=anna, state="granted", at=TIME.format(4), **say)
    await both.post(both.profile, "/v1/profile/consents", person_id=member, state="denied", at=TIME.format(3), **say)
    before = [await both.whole(anna), await both.whole(member)]
    assert [one["tag"] for one in before[1]["picture"]["tags"]] == ["vip"]
    assert [one["picture"]["consents"][0]["state"] for one in before] == ["granted", "denied"]

    done = await both.post(both.identity, "/v1/identity/persons/merge", person_ids=[anna, member])
    assert done is not None
    together = await both.whole(member)
    survivor = together["ids"][1]
    assert survivor in (anna, member)
    assert await both.id_of(ANNA) == await both.id_of(MEMBER) == survivor
    assert together["picture"]["traits"]["tier"]["value"] == "silver"
    assert together["picture"]["traits"]["only"]["value"] == "anna"
    assert {one["address"] for one in together["picture"]["contact_points"]} == {
        "anna@example.com", "member@example.com",
    }  # fmt: skip
    assert [one["state"] for one in together["picture"]["consents"]] == ["denied"], "the opt-out of either side wins"
    assert [one["tag"] for one in together["picture"]["tags"]] == ["vip"]
    assert len(together["timeline"]) == 3

    retired = member if survivor == anna else anna
    undone = await both.post(both.identity, f"/v1/identity/persons/{survivor}/unmerge", retired_id=retired)
    assert undone["revived"] == [retired]
    assert [await both.whole(anna), await both.whole(member)] == before
