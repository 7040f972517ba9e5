"""A revoked key stops in all five services within a second; unheard-of for long, keys stop by themselves."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest

from libs.common.access import directory as directories
from libs.common.access.directory import SECRET_KEY_GRACE_SECONDS, WRITE_KEY_GRACE_SECONDS, Directory
from libs.common.access.keys import key_hash, new_key
from libs.common.access.model import ApiKey, Source, Workspace
from libs.common.errors import Unavailable
from libs.common.personal import Vault
from tests.e2e.brand import Brand
from tests.fixtures.apps import MASTER_KEY, SERVICES
from tests.fixtures.processor import our_share
from tests.fixtures.system import BrandOf

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL_AT_ONCE = 1.0
Ask = Callable[[], Awaitable[httpx.Response]]


async def seconds_until(refused: Ask) -> float:
    """Ask without a pause until the answer is 401; return how long that took."""
    clock = asyncio.get_running_loop().time
    start = clock()
    async with asyncio.timeout(60):
        while (await refused()).status_code != 401:
            pass
    return clock() - start


def asking(brand: Brand, service: str, key: str) -> Ask:
    headers = {"authorization": f"Bearer {key}", "x-workspace": ""}
    url = f"{brand.stack.url(service)}/v1/{service}/backlog"
    return lambda: brand.client.get(url, headers=headers)


def posting(brand: Brand, key: str) -> Ask:
    headers = {"authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}
    body = {"type": "track", "userId": "u-1", "event": "Seen"}
    return lambda: brand.client.post(brand.stack.url("identity") + "/v1/track", json=body, headers=headers)


async def test_a_revoked_secret_key_stops_in_all_five_services_within_a_second(a_brand: BrandOf) -> None:
    brand = await a_brand()
    made = await brand.post("identity", "/v1/identity/keys", {"name": "k", "scopes": ["operations:read"]})
    asks = [asking(brand, service, made["key"]) for service in SERVICES]
    assert [(await ask()).status_code for ask in asks] == [200] * 5
    await brand.call("DELETE", "identity", f"/v1/identity/keys/{made['key_id']}")
    taken = await asyncio.gather(*(seconds_until(ask) for ask in asks))
    assert max(taken) * our_share() < ALL_AT_ONCE, dict(zip(SERVICES, taken, strict=True))


async def test_a_key_that_ends_by_rotation_stops_and_its_successor_works_at_once(a_brand: BrandOf) -> None:
    brand = await a_brand()
    made = await brand.post("identity", "/v1/identity/keys", {"name": "k", "scopes": ["operations:read"]})
    asks = [asking(brand, service, made["key"]) for service in SERVICES]
    assert [(await ask()).status_code for ask in asks] == [200] * 5
    path = f"/v1/identity/keys/{made['key_id']}/rotate"
    successor = await brand.post("identity", path, {"overlap_seconds": 0})
    taken = await asyncio.gather(*(seconds_until(ask) for ask in asks))
    assert max(taken) * our_share() < ALL_AT_ONCE
    assert [(await asking(brand, service, successor["key"])()).status_code for service in SERVICES] == [200] * 5


async def test_a_revoked_write_key_and_one_of_a_disabled_source_stop_within_a_second(a_brand: BrandOf) -> None:
    brand = await a_brand()
    sources = {
        item["key"]: item["source_id"] for item in (await brand.get("identity", "/v1/identity/sources"))["items"]
    }
    keys = {item["source_id"]: item["key_id"] for item in (await brand.get("identity", "/v1/identity/keys"))["items"]}
    for name in ("server", "web"):
        assert (await posting(brand, brand.write_keys[name])()).status_code == 200
    path = f"/v1/identity/sources/{sources['server']}/keys/{keys[sources['server']]}"
    await brand.call("DELETE", "identity", path)
    assert await seconds_until(posting(brand, brand.write_keys["server"])) * our_share() < ALL_AT_ONCE
    await brand.call("PATCH", "identity", f"/v1/identity/sources/{sources['web']}", json={"enabled": False})
    assert await seconds_until(posting(brand, brand.write_keys["web"])) * our_share() < ALL_AT_ONCE


class Picture:
    """A directory with one key of each kind, and a clock that is moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr(directories, "time", SimpleNamespace(monotonic=lambda: self.seconds))
        vault = Vault(MASTER_KEY)
        self.directory = Directory(vault)
        self.secret, self.session, self.write = new_key("secret"), new_key("session"), new_key("write")
        self.directory.put(Workspace(workspace_id=1, key="a", name="A", data_keys={"1": vault.new_data_key()}))
        self.directory.put(Source(source_id=1, workspace_id=1, key="web", name="Web"))
        for text, kind in ((self.secret, "secret"), (self.session, "session"), (self.write, "write")):
            self.directory.put(self.record(text, kind))

    def record(self, text: str, kind: str, version: int = 1, **fields: datetime) -> ApiKey:
        return ApiKey(
            key_id=kind, kind=kind, hash=key_hash(text), workspace_id=1, source_id=int(kind == "write"),
            scopes=("*",), version=version, **fields,
        )  # fmt: skip

    def works(self, text: str, now: datetime = NOW) -> bool:
        try:
            return self.directory.key(text, now) is not None
        except Unavailable:
            return False


@pytest.fixture
def picture(monkeypatch: pytest.MonkeyPatch) -> Picture:
    return Picture(monkeypatch)


def test_the_graces_are_those_that_were_promised() -> None:
    assert (WRITE_KEY_GRACE_SECONDS, SECRET_KEY_GRACE_SECONDS) == (600, 60)


def test_without_the_bus_secret_keys_work_for_a_minute_and_write_keys_for_ten(picture: Picture) -> None:
    keys = (picture.secret, picture.session, picture.write)
    for silent, working in ((59, (True, True, True)), (61, (False, False, True)), (599, (False, False, True)),
                            (601, (False, False, False))):  # fmt: skip
        picture.seconds = 1000.0 + silent
        assert tuple(picture.works(key) for key in keys) == working, silent
    picture.directory.heard()
    assert all(picture.works(key) for key in keys)


def test_a_revocation_heard_late_still_wins_and_an_old_record_does_not_bring_a_key_back(picture: Picture) -> None:
    picture.directory.put(picture.record(picture.secret, "secret", version=2, revoked_at=NOW))
    assert not picture.works(picture.secret)
    picture.directory.put(picture.record(picture.secret, "secret", version=1))
    assert not picture.works(picture.secret)


def test_a_key_ends_at_its_instant(picture: Picture) -> None:
    picture.directory.put(picture.record(picture.secret, "secret", version=2, expires_at=NOW))
    assert picture.works(picture.secret, NOW - timedelta(microseconds=1))
    assert not picture.works(picture.secret, NOW)


def test_a_disabled_workspace_takes_no_more_from_its_write_keys(picture: Picture) -> None:
    assert picture.directory.source_of_write_key(picture.write, NOW) is not None
    known = picture.directory.workspace(1)
    assert known is not None
    picture.directory.put(
        Workspace(workspace_id=1, key="a", name="A", data_keys=known.data_keys, status="disabled", version=2)
    )
    assert picture.directory.source_of_write_key(picture.write, NOW) is None


async def test_an_unknown_key_is_asked_for_once_a_second_not_for_every_request(picture: Picture) -> None:
    asked: list[str] = []

    async def fetch(name: str) -> None:
        asked.append(name)

    picture.directory.fetch = fetch
    unknown = new_key("secret")
    for _ in range(100):
        await picture.directory.ensure_key(unknown)
    looked = len(asked)
    assert looked == 3, "a key just made may be on its way: a moment's looking, for all requests together"
    picture.seconds += 1.1
    await picture.directory.ensure_key(unknown)
    assert len(asked) == 2 * looked
