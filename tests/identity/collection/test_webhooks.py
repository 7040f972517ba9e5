"""Other systems call: each genuine call is an event and evidence, and everything else is refused with its reason."""

import hashlib
import hmac
from typing import Any

import httpx
import msgspec
import pytest

from libs.common.db import statement
from services.identity.jobs import ask_wechat
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_resolved import resolve, told
from tests.identity.collection.wechat_calls import (
    AES_KEY,
    APP_ID,
    FOLLOWED,
    OPENID,
    UNIONID,
    a_webhook,
    a_wechat,
    call_in,
    call_in_sealed,
    signed,
)

PLATFORM = "open-platform-1"


async def owner_of(door: Door, namespace: str, value: str, scope: str = APP_ID) -> str:
    query = {"namespace": namespace, "value": value, "scope": scope}
    answer = await door.ask("GET", "/v1/identity/persons/by-identifier", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["person_id"])


def why(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


async def debugged(door: Door, source_id: int) -> list[dict[str, Any]]:
    answer = await door.ask("GET", f"/v1/identity/sources/{source_id}/debugger")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_wechats_question_is_echoed_to_whoever_knows_the_token(door: Door) -> None:
    source_id = await a_webhook(door, max_age_seconds=0)
    query = {"signature": "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "timestamp": "1411443780", "nonce": "437374425"}
    answer = await door.http.get(f"/v1/webhooks/{source_id}", params={**signed(), "echostr": "4ByGGj"})
    assert (answer.status_code, answer.text) == (200, "4ByGGj")
    for wrong in ({**signed(token="other"), "echostr": "x"}, {"echostr": "x"}, signed(), {**query, "echostr": "y"}):
        answer = await door.http.get(f"/v1/webhooks/{source_id}", params=wrong)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_encrypted_question_of_a_real_account_is_answered_in_clear(door: Door) -> None:
    source_id = await a_webhook(door, aes_key=AES_KEY, max_age_seconds=0)
    echo = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
    query = {"timestamp": "1411443780", "nonce": "437374425", "echostr": echo}
    query["msg_signature"] = "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96"
    answer = await door.http.get(f"/v1/webhooks/{source_id}", params=query)
    assert (answer.status_code, answer.text) == (200, "5927782489442352469")


async def test_a_follower_is_an_event_and_a_person_however_often_wechat_says_so(door: Door) -> None:
    source_id = await a_webhook(door)
    for _ in range(3):
        answer = await call_in(door, source_id, FOLLOWED)
        assert (answer.status_code, answer.text) == (200, "success")
    await resolve(door)
    [event] = await told(door)
    assert (event.name, event.occurred_at.isoformat()) == ("WeChat Followed", "2015-06-02T15:32:08+00:00")
    properties = msgspec.json.decode(event.properties)
    assert (properties["scene"], properties["ticket"]) == ("store-7", "TICKET")
    await owner_of(door, "wx_openid", OPENID)
    [evidence] = await door.rows("select kind, tier from evidence")
    assert evidence == {"kind": "bind", "tier": 1}
    assert [item["outcome"] for item in await debugged(door, source_id)] == ["duplicate", "duplicate", "accepted"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (signed(token="other"), "bad_signature"),
        ({}, "no_signature"),
        (signed(at=1_411_443_780), "stale_signature"),
        ({"signature": "\u00e9" * 40, "timestamp": "x", "nonce": "1"}, "bad_signature"),
    ],
)
async def test_a_callback_that_is_not_genuine_is_refused_and_shown(
    door: Door, query: dict[str, str], reason: str
) -> None:
    source_id = await a_webhook(door)
    answer = await call_in(door, source_id, FOLLOWED, params=query or {"a": "b"})
    assert (answer.status_code, why(answer)) == (401, reason)
    [seen] = await debugged(door, source_id)
    assert (seen["outcome"], seen["reason"]) == ("refused", reason)
    assert await door.rows("select 1 from event_log") == []


async def test_with_an_aes_key_only_what_was_sealed_for_this_account_is_taken(door: Door) -> None:
    source_id = await a_webhook(door, aes_key=AES_KEY)
    assert (await call_in_sealed(door, source_id, FOLLOWED)).text == "success"
    plain = await call_in(door, source_id, FOLLOWED)
    assert (plain.status_code, why(plain)) == (401, "not_encrypted")
    for cipher, reason in (("AAAA", "bad_cipher"), ("A" * 64, "bad_cipher"), ("!", "bad_cipher")):
        body = f"<xml><Encrypt>{cipher}</Encrypt></xml>"
        answer = await call_in(door, source_id, body, params=signed(cipher))
        assert (answer.status_code, why(answer)) == (401, reason)
    other = await a_webhook(door, aes_key=AES_KEY, app_id="wx0000000000000000", items="")
    answer = await call_in_sealed(door, other, FOLLOWED)
    assert why(answer) == "other_receiver"
    assert (await door.counts())["accepted"] == 1


async def test_a_message_that_cannot_be_read_is_kept_alone_and_wechat_is_told_it_arrived(door: Door) -> None:
    source_id = await a_webhook(door)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><xml><FromUserName>&a;</FromUserName></xml>'
    texts = [bomb, "<xml>", "no xml", "<xml>" + "<a>" * 50, FOLLOWED.replace("1433259128", "soon"), "{]", ""]
    for text in texts:
        assert (await call_in(door, source_id, text)).text == "success"
    held = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    reasons = ["malformed_xml", "malformed_json", "bad_timestamp", "too_deep", "malformed_xml", "malformed_xml"]
    assert [item["reason"] for item in held] == [*reasons, "document_type"]
    assert held[2]["body"]["FromUserName"] == OPENID
    counts = await door.counts()
    assert (counts["posted"], counts["quarantined"], counts["accepted"]) == (7, 7, 0)


@pytest.mark.parametrize("depth", [40, 480, 700, 960])
async def test_a_message_in_json_that_lies_too_deep_is_kept_alone(door: Door, depth: int) -> None:
    source_id = await a_webhook(door, "mini_program")
    told = f'{{"MsgType": "text", "FromUserName": "{OPENID}", "CreateTime": 1433259128, "x": '
    answer = await call_in(door, source_id, told + '{"a":' * depth + "1" + "}" * depth + "}")
    assert (answer.status_code, answer.text) == (200, "success")
    [held] = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert held["reason"] in {"too_deep", "malformed_json"}
    assert OPENID in held["body"]["unreadable"]


async def test_what_wechat_says_about_the_account_is_nobodys_event(door: Door) -> None:
    source_id = await a_webhook(door)
    await call_in(door, source_id, FOLLOWED.replace("subscribe", "MASSSENDJOBFINISH"))
    [seen] = await debugged(door, source_id)
    assert (seen["outcome"], seen["reason"]) == ("refused", "not_about_a_person")


async def test_a_followers_accounts_become_one_person_once_wechat_tells_his_unionid(door: Door) -> None:
    fake = a_wechat(door)
    other = OPENID[:-2] + "bb"
    fake.followers = {OPENID: {"unionid": UNIONID, "nickname": "Band"}, other: {"unionid": UNIONID}}
    fake.trouble["/cgi-bin/user/info"] = [-1, 40001]
    more = {"secret": fake.secret, "open_platform_id": PLATFORM}
    first = await a_webhook(door, **more)
    second = await a_webhook(door, **more, app_id="wx0000000000000002")
    await call_in(door, first, FOLLOWED)
    await call_in(door, second, FOLLOWED.replace(OPENID, other))
    await resolve(door)
    assert await owner_of(door, "wx_openid", OPENID) != await owner_of(door, "wx_openid", other, "wx0000000000000002")
    while await ask_wechat.run(door.runtime) or await door.rows("select 1 from enquiry where state = 'waiting'"):
        async with door.runtime.worker_database.transaction([]) as tx:
            await tx.execute(statement("update enquiry_queue set due_at = due_at - interval '1 hour'"))
    await resolve(door)
    person = await owner_of(door, "wx_unionid", UNIONID, PLATFORM)
    assert person == await owner_of(door, "wx_openid", OPENID)
    assert person == await owner_of(door, "wx_openid", other, "wx0000000000000002")
    asked = len(fake.asked)
    await call_in(door, first, FOLLOWED.replace("subscribe", "CLICK"))
    assert (await ask_wechat.run(door.runtime), len(fake.asked)) == (0, asked)
    assert await door.rows("select 1 from enquiry where sealed <> ''::bytea") == []


async def test_a_mini_programs_log_in_bridges_fan_and_member(door: Door) -> None:
    fake = a_wechat(door)
    fake.sessions["code-1"] = {"openid": OPENID, "unionid": UNIONID, "session_key": "D1ZWEygStjuLCnZ9IN2l4Q=="}
    fake.phones["phone-1"] = {"phoneNumber": "13123456789", "purePhoneNumber": "13123456789", "countryCode": "86"}
    member = {"userId": "m-1", "traits": {"phone": "13123456789", "verified": True}}
    await door.post("identify", member, door.server_key)
    source_id = await a_webhook(door, "mini_program", secret=fake.secret, open_platform_id=PLATFORM)
    path = f"/v1/webhooks/{source_id}/login"
    answer = await door.http.post(path, json={"code": "code-1", "phone_code": "phone-1"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    await resolve(door)
    person = await owner_of(door, "user_id", "m-1", "main")
    assert person == await owner_of(door, "wx_unionid", UNIONID, PLATFORM) == await owner_of(door, "wx_openid", OPENID)
    bridge = await door.rows("select tier from evidence where cardinality(node_nos) = 3")
    assert bridge == [{"tier": 1}]
    again = await door.http.post(path, json={"code": "code-1"})
    assert (again.status_code, why(again)) == (401, "bad_code")
    for wrong in ({}, {"code": ""}, {"code": 1}, {"code": "x" * 300}, {"code": "c", "openid": "o"}):
        assert (await door.http.post(path, json=wrong)).status_code == 422
    assert "D1ZWEygStjuLCnZ9IN2l4Q" not in answer.text


async def test_an_advisers_contact_is_known_by_his_unionid(door: Door) -> None:
    fake = a_wechat(door)
    contact = "woAJ2GCAAAXtWyujaWJHDDGi0mACH71w"
    fake.contacts[contact] = {"external_userid": contact, "name": "李四", "unionid": UNIONID}
    more = {"aes_key": AES_KEY, "secret": fake.secret, "open_platform_id": PLATFORM}
    source_id = await a_webhook(door, "wecom", **more)
    change = f"""<xml><ToUserName><![CDATA[{APP_ID}]]></ToUserName><FromUserName>sys</FromUserName>
    <CreateTime>1403610513</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event>
    <ChangeType>add_external_contact</ChangeType><UserID>zhangsan</UserID><State>qr-7</State>
    <ExternalUserID>{contact}</ExternalUserID></xml>"""
    for word in ("add_external_contact", "edit_external_contact", "del_external_contact"):
        answer = await call_in_sealed(door, source_id, change.replace("add_external_contact", word))
        assert answer.text == "success"
    assert (await call_in(door, source_id, change)).status_code == 401
    while await ask_wechat.run(door.runtime):
        pass
    await resolve(door)
    names = [event.name for event in await told(door) if event.kind == "track"]
    assert sorted(names) == ["WeCom Contact Added", "WeCom Contact Edited", "WeCom Contact Removed"]
    assert await owner_of(door, "wx_external_userid", contact) == await owner_of(door, "wx_unionid", UNIONID, PLATFORM)
    elsewhere = change.replace(APP_ID, "ww0000000000000000")
    await call_in_sealed(door, source_id, elsewhere)
    held = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert [item["reason"] for item in held] == ["other_receiver"]


async def test_json_of_any_shape_becomes_events_by_a_mapping(door: Door) -> None:
    mapping = {
        "event": {"template": "Order {/state}"}, "userId": {"column": "/buyer/id"}, "messageId": {"column": "id"},
        "properties": {"total": {"column": "/sum", "as": "number"}}, "timestamp": {"column": "/at"},
    }  # fmt: skip
    secret = "a-secret-of-the-shop"
    source_id = await a_webhook(door, "json", token="", secret=secret, items="/orders", mapping=mapping)
    orders = [
        {"id": 1, "state": "Paid", "buyer": {"id": "b-1"}, "sum": 9.90, "at": "2026-01-02T03:04:05Z"},
        {"id": 2, "state": "Paid", "sum": 5}, {"id": 3, "state": "Paid", "buyer": {"id": "b-2"}, "sum": "much"}, 7,
    ]  # fmt: skip
    body = msgspec.json.encode({"orders": orders})
    right = {"x-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    for headers in ({}, {"x-signature": "0" * 64}, {"x-signature": b"\xe9"}):
        answer = await door.http.post(f"/v1/webhooks/{source_id}", content=body, headers=headers)
        assert answer.status_code == 401
    for _ in range(2):
        answer = await door.http.post(f"/v1/webhooks/{source_id}", content=body, headers=right)
        assert answer.json() == {"success": True}
    await resolve(door)
    [event] = await told(door)
    assert (event.name, event.message_id, msgspec.json.decode(event.properties)) == ("Order Paid", "1", {"total": 9.9})
    held = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    assert {item["reason"] for item in held} == {"no_identifier", "not_a_number", "not_an_object"}
    counts = await door.counts()
    assert (counts["accepted"], counts["duplicate"], counts["quarantined"]) == (1, 1, 6)


async def test_the_secrets_of_a_webhook_are_sealed_and_never_told(door: Door) -> None:
    more = {"aes_key": AES_KEY, "secret": "canary-secret", "open_platform_id": PLATFORM}
    source_id = await a_webhook(door, "wecom", **more)
    path = f"/v1/identity/sources/{source_id}/webhook"
    answer = await door.ask("GET", path)
    assert (answer.json()["has_secret"], answer.json()["path"]) == (True, f"/v1/webhooks/{source_id}")
    assert "canary-secret" not in answer.text and AES_KEY not in answer.text
    [row] = await door.rows("select sealed from source_webhook")
    assert b"canary-secret" not in bytes(row["sealed"])
    assert (await door.ask("DELETE", path)).status_code == 204
    assert (await door.ask("GET", path)).status_code == 404
    assert (await call_in(door, source_id, FOLLOWED)).status_code == 404


async def test_settings_that_do_not_fit_are_named(door: Door) -> None:
    path = f"/v1/identity/sources/{door.server.source_id}/webhook"
    wrong = {
        "/kind": {"kind": "carrier_pigeon"}, "/app_id": {"kind": "wecom", "token": "abc", "aes_key": AES_KEY},
        "/token": {"kind": "official_account", "app_id": "a"},
        "/aes_key": {"kind": "wecom", "app_id": "a", "token": "abc"},
        "/open_platform_id": {"kind": "mini_program", "app_id": "a", "token": "abc", "secret": "s"},
        "/secret": {"kind": "json"}, "/mapping": {"kind": "json", "secret": "x" * 16, "mapping": {"event": 1}},
    }  # fmt: skip
    for pointer, body in wrong.items():
        answer = await door.ask("PUT", path, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    browser = f"/v1/identity/sources/{door.browser.source_id}/webhook"
    answer = await door.ask("PUT", browser, json={"kind": "official_account", "app_id": "a", "token": "abc"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_trusted")
    assert (await door.http.post("/v1/webhooks/99999999999999999999", content=b"x")).status_code == 404
