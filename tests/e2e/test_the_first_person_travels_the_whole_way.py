"""One event by a real SDK: record, person, profile, segment, journey, message, and back as an event."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import segment.analytics as sdk

from demo.sink import MailSink
from tests.e2e.brand import Brand
from tests.e2e.conftest import START, BrandOf

WAIT = timedelta(hours=1)


async def furnish(brand: Brand) -> tuple[str, str]:
    """Make a segment, a template and a journey that sends to who enters it; return their ids."""
    definition = {"all": [{"did": "Order Completed"}, {"trait": "city", "op": "equals", "value": "Shanghai"}]}
    made = await brand.post(
        "segment",
        "/v1/segment/segments",
        {"key": "buyers", "name": "Buyers in Shanghai", "definition": definition, "state": "live"},
    )
    await brand.put(
        "profile", "/v1/profile/consent-policy", {"opt_out": [{"purpose": "marketing", "channel": "email"}]}
    )
    await brand.put(
        "messaging",
        "/v1/messaging/templates/thanks",
        {"subject": "Thank you, {{ person.name }}", "text": "For {{ person.city }}. {{ unsubscribe_url }}"},
    )
    journey = await brand.post(
        "journey",
        "/v1/journey/journeys",
        {
            "name": "thanks",
            "definition": {
                "entry": {"on": "segment_entered", "segment": made["segment_id"]},
                "nodes": [
                    {"id": "wait", "type": "wait", "for": "PT1H"},
                    {"id": "mail", "type": "send", "channel": "email", "template_key": "thanks"},
                ],
            },
        },
    )
    await brand.drain()
    await brand.post("journey", f"/v1/journey/journeys/{journey['id']}/publish", {"policy": "pin"})
    return made["segment_id"], journey["id"]


def send_by_sdk(brand: Brand) -> None:
    """Identify a customer and track his order with the published Python SDK."""
    failures: list[Exception] = []
    client = sdk.Client(
        brand.write_keys["server"],
        host=brand.stack.url("identity"),
        on_error=lambda error, _items: failures.append(error),
        sync_mode=False,
        max_retries=2,
    )
    traits = {"email": "mei@example.com", "name": "Mei", "city": "Shanghai"}
    client.identify("m-1", traits=traits, timestamp=START)
    client.track("m-1", "Order Completed", {"order_id": "o-1", "total": 99.5}, timestamp=START)
    client.flush()
    client.join()
    assert not failures


async def person_of(brand: Brand) -> dict[str, Any]:
    """Return the person of the customer's user id."""
    found: dict[str, Any] = await brand.get(
        "identity", "/v1/identity/persons/by-identifier", namespace="user_id", scope="main", value="m-1"
    )
    return found


async def test_one_event_of_a_real_sdk_ends_as_a_delivered_message_that_comes_back(
    a_brand: BrandOf, sink: MailSink
) -> None:
    brand = await a_brand()
    segment_id, journey_id = await furnish(brand)
    before = sink.messages
    await asyncio.to_thread(send_by_sdk, brand)
    await brand.drain()

    record = await brand.get("identity", "/v1/identity/events", limit=10)
    assert {event["name"] for event in record["items"]} == {"Order Completed", "$identify"}

    person = await person_of(brand)
    names = {(i["namespace"]) for i in person["identifiers"]}
    assert {"user_id", "email"} <= names

    portrait = await brand.get("profile", f"/v1/profile/persons/{person['person_id']}")
    assert portrait["traits"]["city"]["value"] == "Shanghai"

    members = await brand.get("segment", f"/v1/segment/segments/{segment_id}/members")
    assert [member["person_id"] for member in members["items"]] == [person["person_id"]]

    runs = (await brand.get("journey", f"/v1/journey/journeys/{journey_id}/runs"))["items"]
    assert [(run["person_id"], run["state"], run["node"]) for run in runs] == [(person["person_id"], "waiting", "wait")]
    assert sink.messages == before

    await brand.advance(START + WAIT)
    runs = (await brand.get("journey", f"/v1/journey/journeys/{journey_id}/runs"))["items"]
    assert runs[0]["state"] == "completed"
    assert sink.messages == before + 1
    assert sink.recipients["mei@example.com"] == 1

    timeline = await brand.get("profile", f"/v1/profile/persons/{person['person_id']}/timeline")
    said = {entry["name"] for entry in timeline["items"]}
    assert {"Order Completed", "$identify"} <= said
    assert any("ent" in name.lower() and "message" in name.lower() for name in said), said

    by_origin: dict[str, int] = {}
    for day in await brand.get("segment", "/v1/segment/columnar/counts"):
        by_origin[day["origin"]] = by_origin.get(day["origin"], 0) + day["events"]
    assert by_origin["collected"] == 2
    assert by_origin["own"] >= 1


async def test_the_system_is_five_processes_on_real_parts(a_brand: BrandOf) -> None:
    brand = await a_brand()
    pids = {brand.stack.pid(name) for name in ("identity", "profile", "segment", "journey", "messaging")}
    assert None not in pids
    assert len(pids) == 5
    assert brand.stack.pid("postgres") is not None
    assert brand.stack.pid("nats") is not None
    for name in ("identity", "profile", "segment", "journey", "messaging"):
        ready = await brand.get(name, "/ready")
        assert ready["status"] == "ready"


async def test_a_driven_clock_stands_still_and_goes_only_forward(a_brand: BrandOf) -> None:
    brand = await a_brand()
    assert datetime.fromisoformat((await brand.get("identity", "/v1/identity/clock"))["now"]) == START
    await asyncio.sleep(0.05)
    assert datetime.fromisoformat((await brand.get("identity", "/v1/identity/clock"))["now"]) == START
    back = await brand.client.post(
        brand.stack.url("identity") + "/v1/identity/clock", json={"now": datetime(2020, 1, 1, tzinfo=UTC).isoformat()}
    )
    assert back.status_code == 422
    assert back.json()["errors"][0]["pointer"] == "/now"
    moved = await brand.advance(START + timedelta(days=400))
    assert datetime.fromisoformat(moved["now"]) == START + timedelta(days=400)
