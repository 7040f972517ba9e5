"""Two who change one thing at the same moment: none undoes what the other did."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from libs.common.clock import wall_now
from libs.common.errors import Conflict
from services.identity.store import access
from services.identity.usecases.issue_key import issue_key
from services.identity.usecases.revoke_key import revoke_key
from services.identity.usecases.rotate_key import rotate_key
from services.identity.usecases.update_source import update_source
from services.identity.usecases.update_workspace import update_workspace
from tests.fixtures.apps import House, ServiceApp


@pytest_asyncio.fixture
async def identity(house: House) -> ServiceApp:
    return await house.start("identity")


async def at_once(identity: ServiceApp, first: Any, second: Any) -> list[Any]:
    """Run `second` while the transaction in which `first` was done is still open; return both results."""
    done, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Any:
        async with identity.runtime.database.transaction(1) as tx:
            result = await first(tx)
            done.set()
            await go_on.wait()
            return result

    async def after() -> Any:
        async with identity.runtime.database.transaction(1) as tx:
            return await second(tx)

    one = asyncio.create_task(slowly())
    await done.wait()
    two = asyncio.create_task(after())
    await asyncio.sleep(0.2)
    go_on.set()
    return list(await asyncio.gather(one, two, return_exceptions=True))


async def test_a_key_rotated_while_it_is_revoked_stays_revoked(identity: ServiceApp) -> None:
    async with identity.runtime.database.transaction(1) as tx:
        key, _ = await issue_key(tx, workspace_id=1, kind="secret", name="k", scopes=("sources:read",))
    _, refused = await at_once(
        identity,
        lambda tx: revoke_key(tx, workspace_id=1, key_id=key.key_id, now=wall_now()),
        lambda tx: rotate_key(tx, workspace_id=1, key_id=key.key_id, overlap=timedelta(hours=1), now=wall_now()),
    )
    assert isinstance(refused, Conflict)
    async with identity.runtime.database.transaction(1) as tx:
        [stored] = [record for record in await access.keys_of(tx, 1) if record.key_id == key.key_id]
    assert stored.revoked_at is not None


async def test_two_changes_of_a_source_both_count(identity: ServiceApp) -> None:
    await at_once(
        identity,
        lambda tx: update_source(tx, workspace_id=1, source_id=1, changes={"enabled": False}),
        lambda tx: update_source(tx, workspace_id=1, source_id=1, changes={"name": "Till"}),
    )
    async with identity.runtime.database.transaction(1) as tx:
        stored = await access.source_to_change(tx, 1, 1)
    assert stored is not None
    assert (stored.enabled, stored.name, stored.version) == (False, "Till", 3)


async def test_two_changes_of_a_workspace_both_count(identity: ServiceApp) -> None:
    await at_once(
        identity,
        lambda tx: update_workspace(tx, workspace_id=1, changes={"status": "disabled"}),
        lambda tx: update_workspace(tx, workspace_id=1, changes={"name": "Acme & Co"}),
    )
    async with identity.runtime.database.transaction(1) as tx:
        stored = await access.workspace_to_change(tx, 1)
    assert stored is not None
    assert (stored.status, stored.name, stored.version) == ("disabled", "Acme & Co", 3)


async def test_the_owner_saves_no_version_twice(identity: ServiceApp) -> None:
    async with identity.runtime.database.transaction(1) as tx:
        key, _ = await issue_key(tx, workspace_id=1, kind="secret", name="k", scopes=("sources:read",))
        with pytest.raises(Conflict):
            await access.keep(tx, msgspec.structs.replace(key, name="other"))
