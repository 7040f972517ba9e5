"""Personal values go the whole way and are found nowhere at rest: not in logs, streams, files or a dump."""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from secrets import choice
from string import ascii_lowercase
from urllib.parse import quote

import pytest

from demo.sink import MailSink
from launcher.postgres import binaries
from launcher.stack import Stack
from tests.assurance.furnished import USER_ID, Furnished, a_furnished
from tests.fixtures.system import START, BrandOf

AT = START.isoformat()


def a_mark() -> str:
    """Return twelve letters that stand nowhere else."""
    return "".join(choice(ascii_lowercase) for _ in range(12))


def spellings(word: str) -> list[str]:
    """Return a word as text, hexadecimal and base64 at each of its three offsets have it."""
    raw = word.encode()
    coded = [base64.b64encode(b"\0" * pad + raw).decode().rstrip("=") for pad in range(3)]
    # the first group holds the padding, the last one may hold what follows
    inner = [code[4 if pad else 0 : -2] for pad, code in enumerate(coded)]
    wide = raw.decode().encode("utf-16-le").hex()
    return [word, word.upper(), word.capitalize(), raw.hex(), wide, *inner, quote(word, safe="")]


def found_in(folder: Path, words: Iterable[str]) -> list[str]:
    """Return the files below a folder that hold one of the words in any spelling."""
    patterns = sorted({spelling for word in words for spelling in spellings(word)})
    command = ["grep", "-rlaF", *(part for pattern in patterns for part in ("-e", pattern)), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def lines_with(file: Path, words: Iterable[str]) -> list[str]:
    """Return the beginnings of the lines of a dump that hold one of the words in any spelling: the tables."""
    patterns = [spelling for word in words for spelling in spellings(word)]
    with file.open(encoding="utf-8", errors="replace") as lines:
        return [line[:160] for line in lines if any(pattern in line for pattern in patterns)]


def dump(stack: Stack, target: Path) -> Path:
    """Write everything PostgreSQL holds as text."""
    command = [str(binaries() / "pg_dump"), "--inserts", "--file", str(target / "dump.sql"), stack.admin_database_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target / "dump.sql"


async def say_everything(made: Furnished) -> None:
    """Let every door of the system take the person's values: good calls, refused ones, links, uploads."""
    brand, canaries, person = made.brand, made.canaries, made.ids["person_id"]
    web = {
        "type": "page", "anonymousId": f"anon-{canaries['openid']}", "messageId": "m-9", "timestamp": AT,
        "context": {
            "ip": "203.0.113.77", "userAgent": f"Browser {canaries['openid']}", "locale": "zh-CN",
            "device": {"id": canaries["openid"], "advertisingId": canaries["openid"]},
            "traits": {"email": canaries["email"]}, "page": {"path": "/basket", "title": "Basket"},
        },
        "properties": {"path": "/basket", "shipping": {"address": canaries["name"], "phone": canaries["phone"]}},
    }  # fmt: skip
    await brand.send(web, source="web")
    spec = json.dumps({"source_id": int(made.ids["source_id"]), "format": "ndjson"})
    rows = [
        {"type": "identify", "userId": USER_ID, "timestamp": AT, "traits": {"email": canaries["email"]}},
        {"type": "track", "userId": USER_ID, "event": 7, "properties": {"email": canaries["email"]}},
    ]
    file = ("past.ndjson", "\n".join(map(json.dumps, rows)).encode())
    for path in ("/v1/imports", "/v1/imports/previews"):
        await made.call("POST", "identity", path, data={"spec": spec}, files={"file": file})
    mail = {"namespace": "email", "value": canaries["email"]}
    calls = [
        ("PATCH", "profile", f"/v1/profile/persons/{person}/traits", {"traits": {"last_name": canaries["name"]}}),
        ("POST", "profile", "/v1/profile/consents", {
            "identifier": mail, "state": "granted", "purpose": "news", "channel": "email", "proof": dict(canaries),
        }),
        ("POST", "messaging", "/v1/messaging/messages", {
            "person_id": person, "channels": ["email"], "data": dict(canaries), "key": "k-1",
            "content": {"subject": f"For {canaries['name']}", "text": "Dear {{ person.name }}, {{ name }}"},
        }),
        ("POST", "messaging", "/v1/messaging/messages", {
            "identifier": mail, "channels": ["inbox"], "content": {"text": f"Dear {canaries['name']}"},
        }),
        ("POST", "messaging", "/v1/messaging/suppressions", {"address": f"other-{canaries['email']}"}),
        ("POST", "segment", "/v1/segment/segments", {
            "name": "by mail", "state": "live",
            "definition": {"all": [{"trait": "email", "op": "contains", "value": "secret-mail"}]},
        }),
        ("POST", "identity", "/v1/identity/resolve", {"items": [{"identifiers": [mail]}]}),
        ("POST", "identity", "/v1/identity/explain", {
            "a": mail, "b": {"namespace": "phone", "value": canaries["phone"]},
        }),
    ]  # fmt: skip
    for method, service, path, body in calls:
        answer = await made.call(method, service, path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    for service, path in (
        ("identity", f"/v1/identity/persons/by-identifier?namespace=email&value={quote(canaries['email'])}"),
        ("profile", f"/v1/profile/persons?namespace=email&value={quote(canaries['email'])}"),
        ("profile", f"/v1/profile/persons/{person}/export"),
    ):
        assert (await made.call("GET", service, path)).status_code == 200
    for service, path in (("profile", "/v1/profile/consents"), ("messaging", "/v1/messaging/messages")):
        refused = await made.call("POST", service, path, json={**canaries, "person_id": canaries["email"] + "\0"})
        assert refused.status_code == 422
    broken = f'{{"email": "{canaries["email"]}", "name": '.encode()
    await made.call("POST", "messaging", "/v1/messaging/messages", content=broken)
    wrong = {"workspace": str(brand.client.headers["x-workspace"]), "email": canaries["email"], "password": "wrong"}
    await made.call("POST", "identity", "/v1/identity/sessions", json=wrong)
    await brand.drain()


@pytest.mark.timeout(900)
async def test_no_file_of_the_system_holds_a_personal_value_in_clear(
    a_brand: BrandOf, stack: Stack, sink: MailSink, tmp_path: Path
) -> None:
    mark, plain = a_mark(), f"Plainville{a_mark()}"
    made = await a_furnished(a_brand, mark)
    await say_everything(made)
    bought = {"type": "track", "userId": USER_ID, "event": "Order Completed", "properties": {"town": plain}}
    await made.brand.send(bought | {"messageId": "m-8", "timestamp": AT})
    await made.brand.drain()
    assert sink.recipients[made.canaries["email"]] >= 2
    await asyncio.sleep(1)

    secret = [mark, made.canaries["phone"].removeprefix("+86")]
    home = stack.home.root
    dumped = await asyncio.to_thread(dump, stack, tmp_path)
    # what may stand in clear does: the sieve holds water
    assert found_in(tmp_path, [plain]) == [str(dumped)]
    assert found_in(stack.home.nats, [plain])
    assert found_in(home / "columnar", [plain])
    leaking = [*lines_with(dumped, secret), *found_in(home, secret)]
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert leaking == [], "\n".join(leaking)
