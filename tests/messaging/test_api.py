"""The HTTP API: what it keeps, what it shows, and what it says to nonsense."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.messaging.domain.channel import Capabilities
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.jobs import send_due_messages
from tests.messaging.domain.test_content import BOUNCE
from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import TEXT, Stage

T = "/v1/messaging/templates"


async def rounds(stage: Stage) -> None:
    while await send_due_messages.run(stage.app.runtime):
        pass


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_a_template_comes_back_as_it_was_put_version_by_version(idle_stage: Stage) -> None:
    client = idle_stage.client
    body = {
        "subject": {"en": "Hello {{ person.first_name | default: 'friend' }}", "zh": "您好"},
        "text": {"en": "Hi", "zh": "您好"},
        "channels": {"inbox": {"subject": {"en": "short"}}},
        "fallback": ["en"],
        "defaults": {"person.first_name": "you"},
    }
    first = (await client.put(f"{T}/hello", json=body)).json()
    second = (await client.put(f"{T}/hello", json={**body, "text": {"en": "New", "zh": "新"}})).json()
    assert (first["version"], second["version"], first["template_id"]) == (1, 2, second["template_id"])
    kept = (await client.get(f"{T}/hello")).json()["template"]
    assert kept["text"] == {"en": "New", "zh": "新"}
    assert kept["channels"]["inbox"]["subject"] == {"en": "short"}
    assert (await client.get(f"{T}/hello/versions/1")).json()["template"]["text"] == {"en": "Hi", "zh": "您好"}
    assert (await client.get(f"{T}/{first['template_id']}")).json()["key"] == "hello"
    assert [t["key"] for t in (await client.get(T)).json()["items"]] == ["hello"]
    assert (await client.get(f"{T}/hello/versions/9")).status_code == 404
    preview = await client.post(f"{T}/hello/preview", json={"language": "zh-CN", "channel": "inbox", "person": {}})
    assert preview.json()["language"] == "zh"
    assert preview.json()["content"]["text"] == "新"


async def test_a_broken_template_is_refused_with_a_pointer_to_each_part(idle_stage: Stage) -> None:
    body = {"subject": {"en": "{{ oops"}, "text": {"en": "fine", "zh": "{% if %}"}}
    answer = await idle_stage.client.put(f"{T}/broken", json=body)
    assert sorted(pointers(answer)) == ["/subject/en", "/text/zh"]
    assert pointers(await idle_stage.client.put(f"{T}/broken", json={})) == ["/text"]
    assert pointers(await idle_stage.client.put(f"{T}/broken", json={"text": {"zh": "x"}})) == ["/default_language"]


async def test_a_preview_refuses_a_missing_value_as_sending_would(idle_stage: Stage) -> None:
    await idle_stage.client.put(f"{T}/name", json={"subject": "s", "text": "Hi {{ person.first_name }}"})
    assert pointers(await idle_stage.client.post(f"{T}/name/preview", json={})) == ["/text"]
    stage, provider = idle_stage, idle_stage.provider("email")
    message = await stage.ask(1, "email", template="name", content=None)
    await rounds(stage)
    shown = await stage.message(message)
    assert (shown["reason"], shown["values"]["kind"]) == ("content", "missing")
    assert provider.taken == []
    stage.neighbours.person(1).traits["first_name"] = "Ming <b>"
    message = await stage.ask(1, "email", template="name", content=None)
    await rounds(stage)
    assert provider.taken[0].content["text"].startswith("Hi Ming <b>")
    content = (await stage.client.get(f"/v1/messaging/messages/{message}/content")).json()
    assert content["template_version"] == 1
    assert content["content"]["subject"] == "s"


async def test_rules_come_back_as_they_were_put_and_bad_ones_are_pointed_at(idle_stage: Stage) -> None:
    client = idle_stage.client
    rules = {
        "caps": [
            {"id": "a", "count": 2, "window": {"calendar": "week", "week_starts": "sun"}, "channels": ["push"]},
            {"id": "b", "count": 5, "window": {"rolling": "PT24H"}},
        ],
        "quiet": [{"from": "22:00", "to": "08:00", "days": ["fri"], "then": "drop"}],
        "dedupe": {"by": "topic", "window": "P7D"},
        "arbitration": {"window": "PT1H"},
        "holdout": {"percent": 5},
        "sender": {"address": "news@mail.rapport.example", "name": "Rapport"},
        "zone": "Asia/Shanghai",
    }
    assert (await client.put("/v1/messaging/policies", json=rules)).json()["version"] == 1
    kept = (await client.get("/v1/messaging/policies")).json()["policy"]
    assert (await client.put("/v1/messaging/policies", json=kept)).json() == {"version": 2, "policy": kept}
    assert kept["caps"][0]["window"]["week_starts"] == "sun"
    bad = {
        "caps": [
            {"id": "a", "count": 1, "window": {"calendar": "day"}},
            {"id": "a", "count": 1, "window": {"calendar": "day"}},
        ],
        "zone": "Mars/Olympus",
        "sender": {"address": "news@elsewhere.example", "name": "a\nb"},
    }
    assert pointers(await client.put("/v1/messaging/policies", json=bad)) == [
        "/caps/1/id", "/zone", "/sender/address", "/sender/name",
    ]  # fmt: skip
    assert pointers(await client.put("/v1/messaging/policies", json={"caps": [{"id": "a", "count": -1}]}))
    assert pointers(await client.put("/v1/messaging/policies", json={"cap": []})) == ["/cap"]


async def test_the_same_call_twice_is_one_message(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.neighbours.person(1)
    body = {"person_id": str(person_id_of(1)), "channels": ["email"], "content": TEXT}
    first, second = [
        await stage.client.post("/v1/messaging/messages", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert first.json() == second.json()
    other = {**body, "channels": ["inbox"]}
    assert pointers(await stage.client.post("/v1/messaging/messages", json=other, headers={"Idempotency-Key": "k"}))
    items = (await stage.client.get("/v1/messaging/messages")).json()["items"]
    assert len(items) == 1


async def test_a_message_may_name_its_person_by_an_identifier(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.neighbours.person(7).addresses["email"] = "seven@example.org"
    body = {"identifier": {"namespace": "email", "value": "seven@example.org"}, "channels": ["email"], "content": TEXT}
    answer = await stage.client.post("/v1/messaging/messages", json=body)
    assert answer.status_code == 202
    message = (await stage.client.get(f"/v1/messaging/messages/{answer.json()['message_id']}")).json()
    assert message["person_id"] == str(person_id_of(7))
    body["identifier"] = {"namespace": "email", "value": "nobody@example.org"}
    assert pointers(await stage.client.post("/v1/messaging/messages", json=body)) == ["/identifier"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"person_id": str(person_id_of(99))}, "/person_id"),
        ({"channels": ["pigeon"]}, "/channels/0"),
        ({"channels": ["email", "email"]}, "/channels/1"),
        ({"channels": []}, "/channels"),
        ({"template": "nothing", "content": None}, "/template"),
        ({"content": {"text": "{{ oops"}}, "/text/en"),
        ({"template": "x"}, ""),
        ({"expires_at": "yesterday"}, "/expires_at"),
        ({"priority": 10**12}, "/priority"),
        ({"value": "Infinity"}, "/value"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_bad_message_is_refused_with_a_pointer(lasting_stage: Stage, change: Any, pointer: str) -> None:
    lasting_stage.neighbours.person(1)
    body = {"person_id": str(person_id_of(1)), "channels": ["email"], "content": TEXT, **change}
    assert pointer in pointers(await lasting_stage.client.post("/v1/messaging/messages", json=body))


async def test_the_gate_tells_without_sending(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 1, "window": {"calendar": "day"}}])
    body = {"person_id": str(person_id_of(1)), "channels": ["push"]}
    stage.neighbours.person(1)
    assert (await stage.client.post("/v1/messaging/gate", json=body)).json()["verdict"] == "send"
    await stage.ask(1, "push")
    await rounds(stage)
    told = (await stage.client.post("/v1/messaging/gate", json=body)).json()
    assert (told["verdict"], told["reason"], told["values"]["cap"]) == ("drop", "cap", "d")
    assert len(told["sent_lately"]) == 1
    stage.neighbours.person(1).consent["push"] = "denied"
    assert (await stage.client.post("/v1/messaging/gate", json=body)).json()["reason"] == "consent"


async def test_the_inbox_is_pulled_counted_read_and_expires(idle_stage: Stage) -> None:
    stage, path = idle_stage, f"/v1/messaging/inbox/{person_id_of(1)}"
    expires_at = (stage.now + timedelta(hours=2)).isoformat()
    messages = [str(await stage.ask(1, "inbox", expires_at=expires_at)) for _ in range(3)]
    await stage.ask(2, "inbox")
    await rounds(stage)
    page = (await stage.client.get(path, params={"limit": 2})).json()
    rest = (await stage.client.get(path, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [m["message_id"] for m in page["items"] + rest["items"]] == messages[::-1]
    assert page["items"][0]["text"] == "Hello friend"
    assert (await stage.client.get(f"{path}/badge")).json() == {"unread": 3}
    for _ in range(2):
        read = await stage.client.post(f"{path}/read", json={"message_ids": [messages[0]]})
        assert read.json() == {"unread": 2}
    assert [e.state for e in await stage.said()].count("opened") == 1
    assert (await stage.message(UUID(messages[0])))["state"] == "opened"
    await stage.app.put_clock(stage.now + timedelta(hours=3), held=False)
    assert (await stage.client.get(path)).json()["items"] == []


async def test_clicks_and_opens_count_once_and_scanners_are_no_humans(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email", capabilities=Capabilities(tracks_links=True))
    content = {"subject": "s", "text": "look", "action_url": "https://shop.example/a?b=1&c=2", "action_label": "Go"}
    message = await stage.ask(1, "email", content=content)
    await rounds(stage)
    page = provider.taken[0].content["html"]
    click = page.partition("/v1/messaging/c/")[2].partition('"')[0]
    pixel = page.partition("/v1/messaging/o/")[2].partition('"')[0]
    human = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140", "authorization": ""}
    scanner = {"user-agent": "Barracuda Sentinel", "authorization": ""}
    await stage.client.get(f"/v1/messaging/c/{click}", headers=scanner)
    assert (await stage.message(message))["state"] == "sent"
    for _ in range(2):
        gone = await stage.client.get(f"/v1/messaging/c/{click}", headers=human)
        assert (gone.status_code, gone.headers["location"]) == (302, "https://shop.example/a?b=1&c=2")
        assert (await stage.client.get(f"/v1/messaging/o/{pixel}", headers=human)).headers[
            "content-type"
        ] == "image/gif"
    assert (await stage.message(message))["state"] == "clicked"
    told = [(e.state, e.human) for e in await stage.said()]
    assert told == [("sent", True), ("clicked", False), ("clicked", True), ("opened", True)]
    reports = (await stage.client.get("/v1/messaging/counts")).json()["reports"]
    assert {(r["report"], r["human"]): r["messages"] for r in reports} == {
        ("clicked", False): 1, ("clicked", True): 1, ("opened", True): 1,
    }  # fmt: skip


async def test_a_bounce_suppresses_the_address_and_takes_the_next_channel(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("sms")
    real = stage.app.runtime.parts.channels["email"]
    mail = stage.provider("email")
    mail.parse_callback = real.parse_callback  # type: ignore[method-assign]
    message = await stage.ask(1, "email", "sms")
    await rounds(stage)
    report = BOUNCE.format(status="5.1.1", message_id=mail.taken[0].message_id).encode()
    for new in (1, 0):
        answer = await stage.client.post("/v1/messaging/callbacks/email", content=report)
        assert answer.json() == {"new": new}
    await rounds(stage)
    assert await stage.states(message) == ["sent", "failed", "sent"]
    assert len(provider.taken) == 1
    again = await stage.ask(1, "email", key="again")
    await rounds(stage)
    assert (await stage.message(again))["reason"] == "suppressed"
    assert (await stage.message(again))["values"] == {"because": CanonicalError.ADDRESS_BAD.value.lower()}
    removal = {"address": "P1@email.example ", "channel": "email"}
    assert (await stage.client.post("/v1/messaging/suppressions/remove", json=removal)).status_code == 204
    assert (await stage.client.post("/v1/messaging/suppressions/remove", json=removal)).status_code == 404


async def test_another_workspace_sees_nothing(idle_stage: Stage) -> None:
    stage = idle_stage
    message = await stage.ask(1, "inbox")
    await rounds(stage)
    other = stage.app.as_service("journey", 2)
    for path in (f"messages/{message}", f"messages/{message}/content", "templates/hello"):
        assert (await stage.client.get(f"/v1/messaging/{path}", headers=other)).status_code == 404
    assert (await stage.client.get("/v1/messaging/messages", headers=other)).json()["items"] == []
    assert (await stage.client.get("/v1/messaging/counts", headers=other)).json()["states"] == []
