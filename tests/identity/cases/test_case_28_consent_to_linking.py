"""Case 28 through five services: who withdraws that his identifiers are linked is parted, and is one when he grants."""

from typing import Any

from tests.fixtures.apps import House
from tests.identity.erasure.five import Five

ANNA = {"namespace": "user_id", "scope": "main", "value": "anna-28"}
PHONE = {"namespace": "phone", "value": "+8613912340028"}
DAY = "2026-02-{:02d}T08:00:00Z"


def said(name: str, day: int) -> dict[str, Any]:
    return {"type": "track", "userId": "anna-28", "event": name, "messageId": f"{name}-{day}",
            "timestamp": DAY.format(day), "properties": {"purpose": "linking"}}  # fmt: skip


async def person_of(five: Five, identifier: dict[str, str]) -> str:
    return str((await five.get("identity", "persons/by-identifier", **identifier))["person_id"])


CALLS = {"$identify", "Order Completed", "Consent Withdrawn", "Consent Granted"}


async def did(five: Five, person_id: str) -> set[str]:
    """What a person's timeline holds of what was sent."""
    timeline = await five.get("profile", f"persons/{person_id}/timeline")
    return {one["name"] for one in timeline["items"]} & CALLS


async def buyers(five: Five) -> set[str]:
    segments = (await five.get("segment", "segments"))["items"]
    [buyers] = [one["segment_id"] for one in segments if one["key"] == "buyers"]
    return {one["person_id"] for one in (await five.get("segment", f"segments/{buyers}/members"))["items"]}


async def test_case_28_a_withdrawal_parts_a_person_in_all_services_and_a_grant_makes_him_whole(house: House) -> None:
    five = await Five.start(house)
    await five.send(
        {"type": "identify", "userId": "anna-28", "messageId": "i-1", "timestamp": DAY.format(1),
         "traits": {"tier": "gold"}},
        {"type": "track", "event": "Order Completed", "messageId": "t-1", "timestamp": DAY.format(1),
         "context": {"traits": {"phone": PHONE["value"]}}},
    )  # fmt: skip
    anna, buyer = await person_of(five, ANNA), await person_of(five, PHONE)
    assert (await did(five, anna), await did(five, buyer)) == ({"$identify"}, {"Order Completed"})
    assert await buyers(five) == {buyer}

    await five.send({"type": "identify", "userId": "anna-28", "messageId": "i-2", "timestamp": DAY.format(2),
                     "traits": {"phone": PHONE["value"]}})  # fmt: skip
    assert await person_of(five, PHONE) == anna
    assert await did(five, anna) == {"$identify", "Order Completed"}
    assert await buyers(five) == {anna}

    await five.send(said("Consent Withdrawn", 3))
    assert (await person_of(five, ANNA), await person_of(five, PHONE)) == (anna, buyer)
    assert (await did(five, anna), await did(five, buyer)) == ({"$identify", "Consent Withdrawn"}, {"Order Completed"})
    assert await buyers(five) == {buyer}
    answer = await five.post("identity", "why-not", {"a": ANNA, "b": PHONE})
    assert [(link["state"], link["reason"]) for link in answer["links"]] == [("suppressed", "consent")]
    then = await five.get("identity", "persons/by-identifier", **PHONE, as_of=DAY.format(2))
    assert {one["namespace"] for one in then["identifiers"]} == {"user_id", "phone"}

    # the phone was withdrawn with all that was his: one side's word does not speak for the other
    await five.send(said("Consent Granted", 4))
    assert (await person_of(five, ANNA), await person_of(five, PHONE)) == (anna, buyer)
    grant = {"identifier": PHONE, "purpose": "linking", "state": "granted", "at": DAY.format(5)}
    await five.post("profile", "consents", {"items": [grant]})
    await five.drain()
    assert (await person_of(five, ANNA), await person_of(five, PHONE)) == (anna, anna)
    assert await did(five, anna) == CALLS
    assert await buyers(five) == {anna}
