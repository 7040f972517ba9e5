"""The questions messaging asks are ones the real neighbours understand."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.errors import Invalid
from libs.common.runtime import Runtime
from services.messaging.clients.persons import find_by_identifier, find_person
from services.messaging.clients.profile import ask_reach, reach_of, withdraw
from services.messaging.domain.intent import Intent
from tests.fixtures.apps import House


async def messaging_beside(house: House, *services: str) -> Runtime[Any]:
    for owner in ("identity", "profile", "segment", "journey", "messaging"):
        await house.bus.ensure_stream(owner)
    for service in services:
        await house.start(service)
    return (await house.start("messaging")).runtime


def an_intent(runtime: Runtime[Any], person_no: int, topic: str = "") -> Intent:
    expires_at = runtime.now(1) + timedelta(days=1)
    return Intent(1, UUID(int=person_no), person_no, ("email", "inbox"), expires_at, topic=topic)


async def test_profile_answers_for_every_channel_and_topic(house: House) -> None:
    runtime = await messaging_beside(house, "profile")
    asked = [an_intent(runtime, 1), an_intent(runtime, 2, "spring")]
    answers = await ask_reach(runtime.peers, 1, asked, ["first_name"])
    assert answers.watermark is not None
    for intent in asked:
        reach = reach_of(intent, answers)
        assert set(reach) == {"email", "inbox"}
        assert (reach["email"].consent, reach["email"].address) == ("unknown", None)


async def test_profile_takes_a_withdrawal(house: House) -> None:
    runtime = await messaging_beside(house, "profile")
    said = {"person_no": 1, "purpose": "marketing", "channel": "email", "topic": ""}
    await withdraw(runtime.peers, 1, at=runtime.now(1), message_id=UUID(int=9), **said)  # type: ignore[arg-type]


async def test_a_person_is_found_by_id_and_by_what_he_is_called(house: House) -> None:
    runtime = await messaging_beside(house, "identity", "profile")
    identity, profile = house.services["identity"], house.services["profile"]
    body = {"type": "identify", "userId": "u-1", "traits": {"email": "ming@example.org"}}
    answer = await identity.client.post("/v1/identify", json=body, auth=(house.write_key, ""))
    assert answer.status_code == 200, answer.text
    for app in (identity, profile, identity, profile):
        await app.drain()
    found = await find_by_identifier(runtime.peers, 1, "email", "Ming@Example.org")
    assert found == await find_person(runtime.peers, 1, found.person_id)
    reach = reach_of(
        an_intent(runtime, found.person_no),
        await ask_reach(runtime.peers, 1, [an_intent(runtime, found.person_no)], ["email"]),
    )
    assert reach["email"].address == "ming@example.org"
    with pytest.raises(Invalid, match="no such person"):
        await find_person(runtime.peers, 1, UUID(int=1))
    with pytest.raises(Invalid, match="nobody holds"):
        await find_by_identifier(runtime.peers, 1, "email", "nobody@example.org")
