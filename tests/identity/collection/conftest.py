"""The identity service's front door on a real database, with a workspace and sources ready."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from libs.common.access.model import Source, Workspace
from libs.common.bus import MemoryBus
from libs.common.db import statement
from libs.common.runtime import Runtime
from libs.common.service import running
from services.identity.main import definition
from services.identity.settings import IdentitySettings
from services.identity.usecases.create_source import create_source
from services.identity.usecases.create_workspace import create_workspace
from services.identity.usecases.issue_key import issue_key
from tests.fixtures.apps import an_app
from tests.fixtures.postgres import ServiceDatabase

SECRET = base64.b64encode(bytes(range(32))).decode()


@dataclass
class Door:
    """The running service, and one workspace with a browser key, a server key and a secret key."""

    runtime: Runtime[Any]
    app: FastAPI
    http: httpx.AsyncClient
    database: ServiceDatabase
    workspace: Workspace
    browser: Source
    browser_key: str
    server: Source
    server_key: str
    secret_key: str
    import_dir: Path

    async def post(self, path: str, body: Any, key: str | None = None, **options: Any) -> httpx.Response:
        """Send a call as an SDK does."""
        return await self.http.post(f"/v1/{path}", json=body, auth=(key or self.browser_key, ""), **options)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the API as a partner does."""
        headers = {"Authorization": f"Bearer {self.secret_key}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return rows of the workspace as its application sees them."""
        async with self.runtime.database.transaction(self.workspace.workspace_id) as tx:
            return [dict(row) for row in await tx.fetch(statement(sql), **parameters)]

    async def counts(self) -> dict[str, int]:
        """Return the workspace's counters over all sources and days."""
        names = ("posted", "accepted", "duplicate", "conflict", "quarantined", "refused", "replayed")
        columns = ", ".join(f"coalesce(sum({name}), 0)::int as {name}" for name in names)
        return (await self.rows(f"select {columns} from source_counter"))[0]

    async def a_source(self, **fields: Any) -> tuple[Source, str]:
        """Make another source."""
        async with self.runtime.worker_database.transaction(self.workspace.workspace_id) as tx:
            source, _record, text = await create_source(tx, workspace_id=self.workspace.workspace_id, fields=fields)
            for record in await _records(tx):
                self.runtime.directory.put(record)
        return source, text


OpenDoor = Callable[..., Awaitable[Door]]


@pytest_asyncio.fixture
async def open_door(database_of: Any, tmp_path: Path) -> AsyncIterator[OpenDoor]:
    """`await open_door()` starts the identity service without its resolver."""
    async with AsyncExitStack() as stack:

        async def open_one(*, driven_now: datetime | None = None, **settings: Any) -> Door:
            return await _open(stack, await database_of("identity"), tmp_path, driven_now, settings)

        yield open_one


@pytest_asyncio.fixture
async def door(open_door: OpenDoor) -> Door:
    """The front door with the database's clock."""
    return await open_door()


async def _open(
    stack: AsyncExitStack, database: ServiceDatabase, tmp_path: Path, driven_now: datetime | None, more: dict[str, Any]
) -> Door:
    import_dir = tmp_path / "imports"
    import_dir.mkdir(exist_ok=True)
    settings = IdentitySettings(
        database_url=database.url("app"),
        worker_database_url=database.url("worker"),
        database_pool_size=4,
        master_key=SECRET,
        service_secret=SECRET,
        mode="test",
        roles=frozenset({"api"}),
        data_dir=tmp_path / "data",
        **{"import_dir": str(import_dir), **more},
    )
    runtime = await stack.enter_async_context(running(definition, settings, bus=MemoryBus()))
    app = an_app("identity", runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://identity"))
    async with runtime.worker_database.transaction(()) as tx:
        workspace = await create_workspace(
            tx, vault=runtime.directory._vault, key="shop", name="Shop", timezone="Asia/Shanghai", settings={},
            driven_now=driven_now,
        )  # fmt: skip
    runtime.directory.put(workspace)
    number = workspace.workspace_id
    async with runtime.worker_database.transaction(number) as tx:
        browser, _, browser_key = await create_source(tx, workspace_id=number, fields={"key": "web", "name": "Web"})
        fields = {"key": "api", "name": "API", "kind": "server", "trusted": True, "best_tier": 1}
        server, _, server_key = await create_source(tx, workspace_id=number, fields=fields)
        _, secret_key = await issue_key(tx, workspace_id=number, kind="secret", name="test", scopes=("*",))
        for record in await _records(tx):
            runtime.directory.put(record)
    return Door(
        runtime=runtime, app=app, http=http, database=database, workspace=workspace, browser=browser,
        browser_key=browser_key, server=server, server_key=server_key, secret_key=secret_key, import_dir=import_dir,
    )  # fmt: skip


async def _records(tx: Any) -> list[Any]:
    from libs.common.access.projection import load_records

    return await load_records(tx)
