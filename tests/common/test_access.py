"""Every service's own picture of keys: current within a second, and good for a while without the bus."""

import asyncio
import time
from datetime import timedelta

import msgspec
import pytest

from libs.common.access.directory import Directory
from libs.common.access.keys import key_hash, kind_of, new_key
from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.access.projection import load_records, save_record
from libs.common.clock import wall_now
from libs.common.errors import Unavailable
from libs.common.personal import Vault
from tests.fixtures.apps import MASTER_KEY, House


async def test_a_revocation_is_known_in_another_service_within_a_second(house: House) -> None:
    identity, profile = await house.start("identity"), await house.start("profile")
    scopes = ["profiles:read", "operations:read"]
    made = (await identity.client.post("/v1/identity/keys", json={"name": "r", "scopes": scopes})).json()
    headers = {"authorization": f"Bearer {made['key']}"}
    await identity.drain()
    assert (await profile.client.get("/v1/profile/watermark", headers=headers)).status_code == 200
    assert (await identity.client.delete(f"/v1/identity/keys/{made['key_id']}")).status_code == 204
    # a second of looks: on a busy machine they are as slow as what they look for
    looks = 0
    while (await profile.client.get("/v1/profile/watermark", headers=headers)).status_code != 401:
        looks += 1
        assert looks < 50
        await asyncio.sleep(0.02)


@pytest.fixture
def keys() -> dict[str, str]:
    return {"write": new_key("write"), "secret": new_key("secret")}


@pytest.fixture
def directory(keys: dict[str, str]) -> Directory:
    made = Directory(Vault(MASTER_KEY))
    made.put(Workspace(workspace_id=1, key="acme", name="Acme"))
    made.put(Source(source_id=1, workspace_id=1, key="web", name="Web"))
    for kind, key in keys.items():
        made.put(ApiKey(key_id=kind, kind=kind_of(key) or "secret", hash=key_hash(key), workspace_id=1, source_id=1))
    return made


@pytest.mark.parametrize(
    ("silence", "good"), [(59, {"write", "secret"}), (61, {"write"}), (599, {"write"}), (601, set())]
)
def test_without_the_bus_keys_go_on_for_a_bounded_time(directory, keys, silence, good) -> None:
    directory._heard = time.monotonic() - silence
    found = set()
    for kind, key in keys.items():
        try:
            found |= {kind} if directory.key(key, wall_now()) else set()
        except Unavailable:
            continue
    assert found == good


async def test_readiness_shows_that_keys_have_lapsed(house: House) -> None:
    profile = await house.start("profile")
    assert (await profile.client.get("/ready")).json()["status"] == "ready"
    house.bus.down = True
    for _ in range(100):  # records that came before may still be on their way in
        profile.runtime.directory._heard = time.monotonic() - 61
        answer = await profile.client.get("/ready")
        assert answer.status_code == 503
        if "secret keys refused, write keys still accepted" in answer.json()["checks"]["keys"]:
            return
    raise AssertionError(answer.text)


def test_an_older_record_never_replaces_a_newer_one(directory: Directory, keys: dict[str, str]) -> None:
    hash_ = key_hash(keys["secret"])
    revoked = ApiKey(key_id="s", kind="secret", hash=hash_, workspace_id=1, revoked_at=wall_now(), version=2)
    directory.put(revoked)
    directory.put(ApiKey(key_id="s", kind="secret", hash=hash_, workspace_id=1, version=1))
    assert directory.key(keys["secret"], wall_now()) is None


def test_a_record_of_the_same_version_never_brings_a_key_back(directory: Directory, keys: dict[str, str]) -> None:
    hash_ = key_hash(keys["secret"])
    directory.put(
        ApiKey(key_id="s", kind="secret", hash=hash_, workspace_id=1, revoked_at=wall_now(), version=2),
    )
    directory.put(ApiKey(key_id="s", kind="secret", hash=hash_, workspace_id=1, expires_at=None, version=2))
    assert directory.key(keys["secret"], wall_now()) is None


async def test_the_projection_takes_no_other_content_of_the_same_version(house: House) -> None:
    profile = await house.start("profile")
    key = ApiKey(key_id="s", kind="secret", hash=b"h" * 32, workspace_id=1, revoked_at=wall_now(), version=2)
    acme = next(record for record in house.records if isinstance(record, Workspace) and record.workspace_id == 1)
    later = house.now + timedelta(hours=1)
    async with profile.runtime.worker_database.transaction(()) as tx:
        assert await save_record(tx, key)
        assert not await save_record(tx, msgspec.structs.replace(key, revoked_at=None))
        assert not await save_record(tx, msgspec.structs.replace(acme, name="Other", driven_now=later))
        records = await load_records(tx)
    assert key in records
    assert msgspec.structs.replace(acme, driven_now=later) in records


async def test_requests_that_come_together_with_a_new_key_all_learn_of_it() -> None:
    text = new_key("secret")
    asked: list[str] = []

    async def fetch(name: str) -> AccessRecord | None:
        asked.append(name)
        await asyncio.sleep(0.01)
        if name.startswith("workspace"):
            return Workspace(workspace_id=1, key="acme", name="Acme")
        return ApiKey(key_id="k", kind="secret", hash=key_hash(text), workspace_id=1)

    directory = Directory(Vault(MASTER_KEY), fetch)

    async def look() -> ApiKey | None:
        await directory.ensure_key(text)
        return directory.key(text, wall_now())

    first = asyncio.create_task(look())
    others = [asyncio.create_task(look()) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    assert all(await asyncio.gather(*others))
    assert len(asked) == 2


async def test_a_key_that_is_nowhere_is_looked_for_a_moment_and_then_not_for_a_second() -> None:
    asked: list[str] = []

    async def fetch(name: str) -> AccessRecord | None:
        asked.append(name)
        return None

    directory = Directory(Vault(MASTER_KEY), fetch)
    await directory.ensure_key("nobody's")
    looked = len(asked)
    assert looked == 3, "a key just made may be on its way"
    for _ in range(3):
        await directory.ensure_key("nobody's")
    assert len(asked) == looked


def test_a_key_with_a_typo_is_no_key(keys: dict[str, str]) -> None:
    for kind, key in keys.items():
        assert kind_of(key) == kind
        assert key.startswith({"write": "cdp_wk_", "secret": "cdp_sk_"}[kind])
        wrong = "0" if key[20] != "0" else "1"
        assert kind_of(key[:20] + wrong + key[21:]) is None
