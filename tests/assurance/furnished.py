"""A brand with one of everything that has an id, made over the public API."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from libs.common.ids import new_id
from tests.e2e.brand import Brand
from tests.fixtures.system import START, BrandOf

USER_ID = "u-1"
PHONE = "+8613912345678"


@dataclass
class Furnished:
    """The brand, a key for everything in it, and the ids of what is there by the name they have in a path."""

    brand: Brand
    secret_key: str
    canaries: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, service: str, path: str, *, key: str | None = None, **options: Any) -> Any:
        """Call with a secret key of this brand (or another's) and return the whole answer."""
        headers = {"authorization": f"Bearer {key or self.secret_key}", **options.pop("headers", {})}
        url = self.brand.stack.url(service) + path
        return await self.brand.client.request(method, url, headers={"x-workspace": "", **headers}, **options)


def canaries_of(mark: str) -> dict[str, str]:
    """Return personal values that occur nowhere else."""
    return {
        "email": f"canary.{mark}@secret-mail.example",
        "phone": "+86139" + "".join(str(ord(letter) % 10) for letter in mark[:8]),
        "name": f"Canaria{mark} Wang",
        "openid": f"oCanary{mark}",
    }


async def a_furnished(a_brand: BrandOf, mark: str) -> Furnished:
    """Make the brand; `mark` (8 letters or more) is in every personal value of its person."""
    brand = await a_brand()
    key = (await brand.post("identity", "/v1/identity/keys", {"name": "everything", "scopes": ["*"]}))["key"]
    made = Furnished(brand, key, canaries_of(mark))
    await _declare(made)
    await _live(made)
    await _administer(made)
    return made


async def _declare(made: Furnished) -> None:
    brand = made.brand
    segment = await brand.post(
        "segment",
        "/v1/segment/segments",
        {"key": "buyers", "name": "Buyers", "definition": {"all": [{"did": "Order Completed"}]}, "state": "live"},
    )
    await brand.put(
        "profile", "/v1/profile/consent-policy", {"opt_out": [{"purpose": "marketing", "channel": "email"}]}
    )
    await brand.put(
        "messaging",
        "/v1/messaging/templates/thanks",
        {"subject": "Thank you, {{ person.name }}", "text": "Yours. {{ unsubscribe_url }}"},
    )
    journey = await brand.post(
        "journey",
        "/v1/journey/journeys",
        {
            "name": "thanks",
            "definition": {
                "entry": {"on": "segment_entered", "segment": segment["segment_id"]},
                "nodes": [{"id": "mail", "type": "send", "channel": "email", "template_key": "thanks"}],
            },
        },
    )
    made.ids |= {"suggestion_id": str(new_id()), "erasure_id": str(new_id()), "join_id": str(new_id())}
    made.ids |= {"segment_id": segment["segment_id"], "journey_id": journey["id"]}
    made.ids |= {"key": "thanks", "version": "1", "trait": "city", "channel": "email", "tag": "keen"}
    await brand.put("profile", "/v1/profile/tags/keen", {"kind": "manual", "group": "mood"})
    await brand.drain()
    await brand.post("journey", f"/v1/journey/journeys/{journey['id']}/publish", {"policy": "pin"})


async def _live(made: Furnished) -> None:
    brand, canaries = made.brand, made.canaries
    at = START.isoformat()
    identify = {
        "type": "identify", "userId": USER_ID, "messageId": "m-1", "timestamp": at,
        "traits": {"email": canaries["email"], "phone": canaries["phone"], "name": canaries["name"], "city": "Suzhou"},
        "context": {"externalIds": [{"type": "openid", "id": canaries["openid"], "collection": "users"}]},
    }  # fmt: skip
    bought = {
        "type": "track", "userId": USER_ID, "messageId": "m-2", "timestamp": at, "event": "Order Completed",
        "properties": {"total": 99.5, "email": canaries["email"], "receiver_name": canaries["name"]},
    }  # fmt: skip
    refused = {"type": "track", "userId": USER_ID, "messageId": "m-3", "event": 7, "properties": dict(canaries)}
    await brand.send(identify, bought, refused)
    await brand.drain()
    person = await brand.get(
        "identity", "/v1/identity/persons/by-identifier", namespace="user_id", scope="main", value=USER_ID
    )
    made.ids["person_id"] = person["person_id"]
    runs = await brand.get("journey", f"/v1/journey/journeys/{made.ids['journey_id']}/runs")
    made.ids["run_id"] = runs["items"][0]["id"]
    messages = await brand.get("messaging", "/v1/messaging/messages", person_id=person["person_id"])
    made.ids["message_id"] = messages["items"][0]["message_id"]


async def _administer(made: Furnished) -> None:
    brand = made.brand
    sources = {item["key"]: item for item in (await brand.get("identity", "/v1/identity/sources"))["items"]}
    made.ids["source_id"] = str(sources["server"]["source_id"])
    hook = {"kind": "mini_program", "app_id": "wx1", "token": "token"}
    await brand.put("identity", f"/v1/identity/sources/{made.ids['source_id']}/webhook", hook)
    keys = (await brand.get("identity", "/v1/identity/keys"))["items"]
    write_key = next(key for key in keys if str(key["source_id"]) == made.ids["source_id"])
    spare = await brand.post("identity", "/v1/identity/keys", {"name": "spare", "scopes": ["events:read"]})
    made.ids |= {"write_key_id": write_key["key_id"], "key_id": spare["key_id"]}
    member = await brand.post(
        "identity", "/v1/identity/members", {"email": f"member-{made.canaries['email']}", "role": "viewer"}
    )
    workspaces = (await brand.get("identity", "/v1/identity/workspaces"))["items"]
    number = next(item["workspace_id"] for item in workspaces if item["key"] == brand.client.headers["x-workspace"])
    made.ids |= {"member_id": member["member_id"], "workspace_id": str(number)}
    shadow = await brand.post("identity", "/v1/identity/policies/shadows", {"namespaces": {}})
    moved = {"from_appid": "app-old", "to_appid": "app-new", "migrated_at": START.isoformat()}
    migration = await brand.post("identity", "/v1/identity/wechat/migrations", moved)
    made.ids |= {"shadow_id": shadow["shadow_id"], "migration_id": migration["migration_id"]}
    spec = {"source_id": int(made.ids["source_id"]), "format": "ndjson"}
    row = {"type": "track", "userId": USER_ID, "event": "Imported", "timestamp": START.isoformat()}
    for path, name in (("/v1/imports", "import_id"), ("/v1/imports/previews", "preview_id")):
        answer = await brand.client.post(
            brand.stack.url("identity") + path,
            data={"spec": json.dumps(spec)},
            files={"file": ("past.ndjson", json.dumps(row).encode())},
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        made.ids[name] = answer.json()[name]
    await brand.drain()
