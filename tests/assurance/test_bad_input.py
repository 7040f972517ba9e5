"""Whatever is sent: an answer that says what is wrong, never a server error."""

import base64
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio

from launcher.stack import Stack
from libs.common.access import service_tokens
from libs.common.access.keys import new_key
from libs.common.ids import new_id
from tests.assurance.furnished import Furnished, a_furnished
from tests.assurance.hostile import BROKEN, IDS, ONE_IN, Sender, part, queries, spoilt
from tests.assurance.routes import GUARDED, ROUTES, SERVICES, Route, filled
from tests.assurance.sound import SOUND, with_ids
from tests.e2e.brand import Brand
from tests.fixtures.system import START

DRIVING = {"POST /v1/identity/clock", "GET /v1/identity/drained"}
"""Left out where thousands are sent: each answer waits for five services."""
HEALTH = {"/live", "/ready"}
INSTALLATION = "workspaces:write"
TEN_MEGABYTES = 10 * 1024 * 1024
LARGE = [
    ("identity", "/v1/identity/sources"), ("identity", "/v1/identity/evidence"), ("profile", "/v1/profile/consents"),
    ("segment", "/v1/segment/segments"), ("journey", "/v1/journey/journeys"), ("messaging", "/v1/messaging/messages"),
    ("messaging", "/v1/messaging/callbacks/email"),
]  # fmt: skip
Request = tuple[str, str, str, str, dict[str, Any]]


@pytest_asyncio.fixture(scope="module")
async def made(stack: Stack) -> AsyncIterator[Furnished]:
    """A brand with one of everything, for this file."""
    brand = await Brand.open(stack, f"t-{new_id().hex[:20]}", START, "UTC")

    async def a_brand() -> Brand:
        return brand

    furnished = await a_furnished(a_brand, "badinputaa")
    furnished.ids |= {"token": "x" * 60, "write_key": brand.write_keys["web"], "kind": "track"}
    yield furnished
    await brand.close()


@pytest.fixture
def sender(made: Furnished) -> Sender:
    return Sender(made)


def asked(said: str, route: Route, made: Furnished, path: str = "", **options: Any) -> Request:
    """Return a request for a route; the installation's own ones as its administrator."""
    if route.rule == INSTALLATION:
        headers = {"x-workspace": "0", **options.pop("headers", {})}
        options = {**options, "key": made.brand.stack.admin_key, "headers": headers}
    return said, route.method, route.service, path or filled(route, made.ids), options


def test_every_route_with_a_body_is_called_soundly_somewhere() -> None:
    assert {str(route) for route in GUARDED if route.method in {"POST", "PUT", "PATCH"}} <= set(SOUND)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_body_with_anything_in_any_place_is_answered(service: str, made: Furnished, sender: Sender) -> None:
    routes = [r for r in ROUTES if r.service == service and SOUND.get(str(r)) and str(r) not in DRIVING]
    await sender.send_all(
        asked(said, route, made, content=content)
        for route in routes
        for said, content in spoilt(with_ids(SOUND[str(route)], made.ids))
    )
    assert sender.wrong == []
    assert sender.counts[422] > 20


@pytest.mark.timeout(900)
async def test_a_body_that_is_no_json_is_answered(made: Furnished, sender: Sender) -> None:
    writing = [route for route in ROUTES if route.method in {"POST", "PUT", "PATCH"}]
    await sender.send_all(
        asked(repr(body[:40]), route, made, content=body)
        for number, route in enumerate(writing)
        for body in part(BROKEN, number)
    )
    assert sender.wrong == []


@pytest.mark.timeout(900)
async def test_any_path_query_and_cursor_is_answered(made: Furnished, sender: Sender) -> None:
    def requests() -> Iterable[Request]:
        for number, route in enumerate(ROUTES):
            if str(route) in DRIVING:
                continue
            for place, name in enumerate(route.names, number):
                for value in part(IDS, place):
                    path = filled(route, made.ids | {name: value, "write_key_id": value})
                    yield asked(f"{name}={value}", route, made, path)
            if route.method == "GET" and route.path not in HEALTH:
                for query in queries(route.queries, number):
                    yield asked(query, route, made, filled(route, made.ids) + "?" + query)

    await sender.send_all(requests())
    assert sender.wrong == []


@pytest.mark.parametrize("service", SERVICES)
async def test_any_key_is_answered(service: str, made: Furnished, sender: Sender) -> None:
    sound, prefix = made.secret_key, service_tokens.PREFIX
    tokens = (
        "x", new_key("secret"), sound[:-1] + "!", sound + "x", "\xff\xfe", prefix, prefix + "x.y.z",
        prefix + "\xe9" * 40, prefix + "." * 50, prefix + "A" * 8000, "cdp_wk_", "cdp_cs_" + "0" * 38, "x" * 20_000,
    )  # fmt: skip
    for token in tokens:
        headers = {"authorization": f"Bearer {token}".encode("latin-1")}
        answer = await sender.send(f"token {token[:30]}", "GET", service, f"/v1/{service}/backlog", headers=headers)
        assert answer.status_code in {400, 401}, (token[:30], answer.text)
    assert sender.wrong == []


async def test_any_name_of_a_workspace_is_answered(made: Furnished, sender: Sender) -> None:
    service = "profile"
    for name in ("\xb2", "\xb2\xb3", "999999999", "9999999999999", "-1", "a b", "\xff", "x" * 6000, "%00", "1e3"):
        headers = {"x-workspace": name.encode("latin-1")}
        for key in (made.secret_key, made.brand.stack.admin_key):
            answer = await sender.send(
                f"{name[:30]}", "GET", service, f"/v1/{service}/backlog", headers=headers, key=key
            )
            assert answer.status_code in {400, 404, 422}, (name[:30], answer.text)
    assert sender.wrong == []


async def test_any_other_header_is_answered(made: Furnished, sender: Sender) -> None:
    for key in ("", "\xff", "x" * 201, "a b", "%00"):
        headers = {"idempotency-key": key.encode("latin-1")}
        for service, path in (("profile", "/v1/profile/consents"), ("messaging", "/v1/messaging/messages")):
            body = with_ids(SOUND[f"POST {path}"], made.ids)
            await sender.send(f"idempotency {key[:30]}", "POST", service, path, headers=headers, json=body)
    kinds = ("text/plain", "application/xml", "multipart/form-data", "multipart/form-data; boundary=x", "\xff")
    posting = [route for route in ROUTES if route.method == "POST" and str(route) not in DRIVING]
    await sender.send_all(
        asked(kind, route, made, content=b'{"a": 1}', headers={"content-type": kind.encode("latin-1")})
        for kind in kinds
        for route in posting
    )
    assert sender.wrong == []


async def _in_chunks() -> AsyncIterator[bytes]:
    for _ in range(TEN_MEGABYTES // 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize(("service", "path"), LARGE)
async def test_a_body_of_ten_megabytes_is_refused_however_it_comes(service: str, path: str, sender: Sender) -> None:
    for content in (b" " * TEN_MEGABYTES, _in_chunks()):
        headers = {"content-type": "application/json"}
        answer = await sender.send("10 MB", "POST", service, path, content=content, headers=headers)
        assert answer.status_code == 413, answer.text
        assert "larger" in answer.json()["detail"]
    assert sender.wrong == []


async def test_the_collector_refuses_ten_megabytes_too(made: Furnished, sender: Sender) -> None:
    word = base64.b64encode(made.brand.write_keys["web"].encode() + b":").decode()
    for path in ("/v1/batch", "/v1/track"):
        for content in (b" " * TEN_MEGABYTES, _in_chunks()):
            headers = {"authorization": f"Basic {word}", "content-type": "application/json"}
            answer = await sender.send("10 MB", "POST", "identity", path, content=content, headers=headers)
            assert answer.status_code in {400, 413}, answer.text
    assert sender.wrong == []


async def test_the_collector_answers_whatever_a_touchpoint_sends(made: Furnished, sender: Sender) -> None:
    word = base64.b64encode(made.brand.write_keys["web"].encode() + b":").decode()
    headers = {"authorization": f"Basic {word}"}
    call = {"type": "track", "userId": "u-1", "event": "Seen", "properties": {"a": 1}, "context": {"ip": "1.2.3.4"}}
    sound = {"/v1/track": call, "/v1/batch": {"batch": [call], "context": {}}}
    await sender.send_all(
        (repr(body[:60]), "POST", "identity", path, {"content": body, "headers": headers})
        for path, whole in sound.items()
        for body in (*(content for _, content in spoilt(whole, of=ONE_IN)), *BROKEN)
    )
    wrong_door = {"/v1/track": sound["/v1/batch"], "/v1/batch": sound["/v1/track"]}
    for path, body in wrong_door.items():
        await sender.send("another door's", "POST", "identity", path, json=body, headers=headers)
    assert sender.wrong == []


async def test_the_collector_refuses_whatever_is_no_write_key(made: Furnished, sender: Sender) -> None:
    keys = (new_key("write"), "cdp_wk_x", "\xff", made.secret_key, "")
    words = [base64.b64encode(key.encode("latin-1") + b":").decode() for key in keys]
    for word in (*words, "%%%", "\xff"):
        headers = {"authorization": f"Basic {word}".encode("latin-1")}
        body = {"userId": "u-1", "event": "Seen"}
        answer = await sender.send(word, "POST", "identity", "/v1/track", json=body, headers=headers)
        assert answer.status_code == 401, answer.text
    assert sender.wrong == []
