"""Consent by API, and the answer at the moment of sending."""

import pytest_asyncio

from tests.fixtures.apps import House, ServiceApp
from tests.profile.saying import an_event, identify, merged, owns, person_id, progressed, publish


@pytest_asyncio.fixture
async def profile(house: House, running_profile: ServiceApp) -> ServiceApp:
    app = running_profile
    sealer = app.runtime.sealer(1)
    await publish(
        house.bus,
        owns(7, 70, 1, sealer=sealer),
        owns(8, 80, 2, sealer=sealer),
        identify(7, 70, traits={"tier": "gold"}, personal={"email": "seven@example.com"}, sealer=sealer),
        identify(8, 80, personal={"email": "eight@example.com"}, sealer=sealer),
    )
    await app.drain()
    return app


async def ask(profile: ServiceApp, person_no: int, topic: str = "", **more: object) -> dict:
    question = {"person_no": person_no, "channel": "email", "purpose": "marketing", "topic": topic}
    answer = await profile.client.post(
        "/v1/profile/reachability",
        json={"questions": [question], **more},
        headers=profile.as_service("messaging"),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["answers"][0]


async def say(profile: ServiceApp, **statement: object) -> None:
    body = {"purpose": "marketing", "channel": "email", **statement}
    answer = await profile.client.post("/v1/profile/consents", json=body)
    assert answer.status_code == 201, answer.text


async def test_a_grant_and_a_withdrawal_count_for_the_very_next_question(profile: ServiceApp):
    assert (await ask(profile, 7))["state"] == "unknown"
    await say(profile, person_id=str(person_id(7)), state="granted", at="2026-03-01T07:00:00Z")
    answer = await ask(profile, 7, traits=["tier", "missing"])
    assert (answer["state"], answer["by"], answer["address"]) == ("granted", "channel", "seven@example.com")
    assert answer["traits"] == {"tier": "gold"}
    await say(profile, person_id=str(person_id(7)), topic="news", state="withdrawn", at="2026-03-01T07:30:00Z")
    assert (await ask(profile, 7, "news"))["by"] == "topic"
    assert (await ask(profile, 7, "news"))["state"] == "withdrawn"
    assert (await ask(profile, 7))["state"] == "granted"


async def test_consent_of_somebody_nobody_has_met_waits_for_him(house: House, profile: ServiceApp):
    await say(profile, identifier={"namespace": "email", "value": "New@Example.com"}, state="granted")
    sealer = profile.runtime.sealer(1)
    word = owns(9, 90, 3, namespace="email", value="new@example.com", sealer=sealer)
    await publish(house.bus, word.__class__(**{f: getattr(word, f) for f in word.__struct_fields__} | {"scope": ""}))
    await profile.drain()
    answer = await ask(profile, 9)
    assert (answer["state"], answer["address"]) == ("granted", "new@example.com")


async def test_case_24_an_opt_out_of_either_side_wins_in_a_merge_and_a_new_grant_lifts_it(
    house: House, profile: ServiceApp
):
    await say(profile, person_id=str(person_id(7)), state="granted", at="2026-03-01T07:00:00Z")
    await say(profile, person_id=str(person_id(8)), state="denied", at="2026-03-01T06:00:00Z")
    await publish(house.bus, merged(7, 8, 3), owns(7, 80, 3, sealer=profile.runtime.sealer(1)))
    await profile.drain()
    assert (await ask(profile, 8))["state"] == "denied"
    assert (await ask(profile, 7))["state"] == "denied"
    await say(profile, person_id=str(person_id(7)), state="granted")
    assert (await ask(profile, 7))["state"] == "granted"


async def test_an_unsubscription_from_a_message_withdraws_for_that_channel(house: House, profile: ServiceApp):
    await say(profile, person_id=str(person_id(7)), state="granted", channel="*", at="2026-03-01T07:00:00Z")
    await publish(house.bus, progressed(7, "unsubscribed", minute=1))
    await profile.drain()
    assert (await ask(profile, 7))["state"] == "withdrawn"
    shown = (await profile.client.get(f"/v1/profile/persons/{person_id(7)}/consents")).json()
    assert [(s["channel"], s["state"]) for s in shown["states"]] == [("*", "granted"), ("email", "withdrawn")]
    assert [line["source"] for line in shown["ledger"]] == ["message", "api"]


async def test_events_speak_of_consent(house: House, profile: ServiceApp):
    context = {"consent": {"categoryPreferences": {"Advertising": False}}}
    said = an_event(7, 70, name="Consent Granted", properties={"channel": "email"}, minute=1)
    preference = an_event(7, 70, name="Segment Consent Preference Updated", context=context, minute=2)
    await publish(house.bus, said, preference)
    await profile.drain()
    view = (await profile.client.get(f"/v1/profile/persons/{person_id(7)}")).json()
    assert [(c["purpose"], c["channel"], c["state"]) for c in view["consents"]] == [
        ("Advertising", "*", "withdrawn"),
        ("marketing", "email", "granted"),
    ]


async def test_a_grant_that_expires_is_said_when_it_does(house: House, profile: ServiceApp):
    await say(profile, person_id=str(person_id(7)), state="granted", expires_at="2026-03-01T09:00:00Z")
    assert (await ask(profile, 7))["state"] == "granted"
    await profile.advance_to(house.now.replace(hour=10))
    assert (await ask(profile, 7))["state"] == "unknown"
    view = (await profile.client.get(f"/v1/profile/persons/{person_id(7)}")).json()
    assert [c["state"] for c in view["consents"]] == ["unknown"]


async def test_silence_allows_only_where_the_workspace_declared_it(profile: ServiceApp):
    policy = {"opt_out": [{"purpose": "marketing", "channel": "email"}]}
    assert (await profile.client.put("/v1/profile/consent-policy", json=policy)).status_code == 200
    answer = await ask(profile, 7)
    assert (answer["state"], answer["by"]) == ("granted", "opt_out")
    await say(profile, person_id=str(person_id(7)), state="withdrawn")
    assert (await ask(profile, 7))["state"] == "withdrawn"
    assert (await profile.client.get("/v1/profile/consent-policy")).json()["opt_out"] == policy["opt_out"]


async def test_nobody_but_a_service_asks_for_addresses(profile: ServiceApp):
    answer = await profile.client.post("/v1/profile/reachability", json={"questions": []})
    assert answer.status_code == 403


async def test_the_same_key_has_one_effect(profile: ServiceApp):
    body = {"person_id": str(person_id(7)), "state": "granted", "proof": {"form": "x"}}
    answers = [
        (await profile.client.post("/v1/profile/consents", json=body, headers={"Idempotency-Key": "k"})).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    shown = (await profile.client.get(f"/v1/profile/persons/{person_id(7)}/consents")).json()
    assert [line["proof"] for line in shown["ledger"]] == [{"form": "x"}]


async def test_the_ledger_cannot_be_rewritten(profile: ServiceApp):
    import asyncpg
    import pytest

    async with profile.database.app.transaction(1) as tx:
        for command in ("update consent_ledger set state = 'granted'", "delete from consent_ledger"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tx.savepoint():
                    await tx.driver.execute(command)
