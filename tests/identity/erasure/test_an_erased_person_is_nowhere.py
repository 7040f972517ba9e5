"""The canary: one person with telling values in all five services, erased, and looked for in everything they keep."""

from typing import Any

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.contracts.profile.trait_changed import TraitChanged
from tests.fixtures.apps import SERVICES, House
from tests.identity.erasure.five import Five

WORD = "canarywren"
PHONE = "+8613912340777"
ANNA = {"namespace": "user_id", "scope": "main", "value": f"{WORD}-1"}


def calls_of(user: str, word: str, phone: str, number: int) -> list[dict[str, Any]]:
    at = "2026-03-01T07:00:00Z"
    traits = {"email": f"{word}@mail.example", "phone": phone, "name": f"{word} Wang", "note": f"{word} likes tea"}
    context = {"device": {"id": f"{word}-device"}}
    return [
        {"type": "identify", "userId": user, "messageId": f"{user}-i{number}", "timestamp": at, "traits": traits,
         "context": context},
        {"type": "track", "userId": user, "messageId": f"{user}-t{number}", "timestamp": at, "event": "Order Completed",
         "properties": {"receiver_name": f"{word} Wang", "color": f"{word}-blue"}},
    ]  # fmt: skip


async def test_id14_no_table_of_five_services_and_no_columnar_row_holds_anything_of_an_erased_person(
    house: House,
) -> None:
    five = await Five.start(house)
    await five.send(
        *calls_of(f"{WORD}-1", WORD, PHONE, 1), *calls_of("plainfinch-1", "plainfinch", "+8613912340888", 1)
    )
    anna = (await five.get("identity", "persons/by-identifier", **ANNA))["person_id"]
    mine = await five.post("messaging", "messages", {
        "person_id": anna, "channels": ["inbox"], "content": {"text": f"Dear {WORD}"}, "key": "k-1",
    })  # fmt: skip
    assert mine
    await five.drain()
    before = await five.kept(WORD)
    assert {table.split(".")[0] for table in before} >= {"identity", "profile", "columnar", "messaging"}, before
    told = [event for event in five.heard() if not isinstance(event, MessageRequested)]

    erasure = await five.post("identity", f"persons/{anna}/erase", {"reason": "art. 17"})
    await five.drain()
    assert await five.kept(WORD) == []
    assert await five.kept(PHONE) == []
    status = await five.get("identity", f"erasures/{erasure['erasure_id']}")
    assert status["state"] == "complete"
    assert {receipt["service"] for receipt in status["receipts"]} == set(SERVICES)
    deleted = {receipt["service"]: receipt["deleted"] for receipt in status["receipts"]}
    assert deleted["profile"]["trait_fact"] >= 4
    assert deleted["journey"]["run"] == 1
    assert deleted["messaging"]["intent"] >= 2

    # what was on its way, what is sent again, and what comes years late
    late = (EventRecorded, OwnershipChanged, TraitChanged)
    await five.say_again(*(event for event in told if isinstance(event, late)))
    await five.send(*calls_of(f"{WORD}-1", WORD, PHONE, 1), *calls_of(f"{WORD}-1", WORD, PHONE, 2))
    assert await five.kept(WORD) == []
    answer = await five.apps["identity"].client.get("/v1/identity/persons/by-identifier", params=ANNA)
    assert answer.status_code == 410
    assert (await five.apps["profile"].client.get(f"/v1/profile/persons/{anna}")).status_code == 410
    finch = await five.get("identity", "persons/by-identifier", namespace="user_id", scope="main", value="plainfinch-1")
    assert finch["identifiers"]
    assert await five.kept("plainfinch") != []
