"""For benches: the identity service by itself, in this process or in one of its own, with its bus in memory."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
import uvloop
from fastapi import FastAPI

from launcher.postgres import EmbeddedPostgres
from libs.common.bus import MemoryBus
from libs.common.db import Database
from libs.common.db.migrate import SERVICES, migrate
from libs.common.garbage import collect_seldom
from libs.common.personal import Vault
from libs.common.runtime import Runtime
from libs.common.service import app_of, running
from libs.common.settings import Role
from services.identity.main import definition
from services.identity.settings import IdentitySettings
from services.identity.usecases.create_source import create_source
from services.identity.usecases.create_workspace import create_workspace
from services.identity.usecases.issue_key import issue_key

DATABASE = "bench"
SECRET = base64.b64encode(bytes(range(32))).decode()
PASSWORDS = {"owner": "owner-bench", "app": "app-bench", "worker": "worker-bench"}


@dataclass(frozen=True)
class Keys:
    """A workspace and its keys: of a browser, of a trusted server, and the secret one that may all."""

    workspace_id: int
    browser_key: str
    server_key: str
    secret_key: str


def settings_of(cluster: EmbeddedPostgres, home: str, *roles: Role) -> IdentitySettings:
    """Return the settings of a process with these roles."""
    return IdentitySettings(
        database_url=cluster.url(DATABASE, user="identity_app", password=PASSWORDS["app"]),
        worker_database_url=cluster.url(DATABASE, user="identity_worker", password=PASSWORDS["worker"]),
        master_key=SECRET,
        service_secret=SECRET,
        mode="test",
        roles=frozenset(roles),
        data_dir=Path(home),
    )


async def analyze(address: str) -> None:
    """Have the statistics that a store has which was not filled this minute."""
    admin = await asyncpg.connect(address)
    await admin.execute("analyze")
    await admin.close()


async def prepare(cluster: EmbeddedPostgres, home: str) -> Keys:
    """Make a migrated database with a workspace and two sources, for services that start afterwards."""
    admin = await asyncpg.connect(cluster.url())
    await admin.execute(f"create database {DATABASE}")
    await admin.close()
    await migrate("identity", cluster.url(DATABASE), passwords=PASSWORDS)
    worker = await Database.open(settings_of(cluster, home).worker_url, service="identity", pool_size=1)
    async with worker.transaction([]) as tx:
        workspace = await create_workspace(
            tx, vault=Vault(SECRET), key="bench", name="Bench", timezone="UTC", settings={}, driven_now=None
        )
    number = workspace.workspace_id
    async with worker.transaction(number) as tx:
        _, _, browser = await create_source(tx, workspace_id=number, fields={"key": "web", "name": "Web"})
        server = {"key": "server", "name": "Server", "kind": "server", "trusted": True, "best_tier": 1}
        _, _, trusted = await create_source(tx, workspace_id=number, fields=server)
        _, secret = await issue_key(tx, workspace_id=number, kind="secret", name="bench", scopes=("*",))
    await worker.close()
    return Keys(number, browser, trusted, secret)


@dataclass
class Alone:
    """The service in this process, and a client that calls its app with the secret key, without a network."""

    runtime: Runtime[Any]
    app: FastAPI
    http: httpx.AsyncClient
    keys: Keys

    async def post(self, events: list[dict[str, Any]]) -> None:
        """Send a batch as the trusted server; RuntimeError unless it is taken."""
        answer = await self.http.post("/v1/batch", json={"batch": events}, auth=(self.keys.server_key, ""))
        if answer.status_code != 200:
            raise RuntimeError(f"/v1/batch: {answer.status_code} {answer.text}")


async def _bus() -> MemoryBus:
    bus = MemoryBus()
    for owner in SERVICES:  # whom it hears
        await bus.ensure_stream(owner)
    return bus


@asynccontextmanager
async def identity_alone(cluster: EmbeddedPostgres, keys: Keys, home: str, *roles: Role) -> AsyncIterator[Alone]:
    """Run the service here on a database that was prepared."""
    async with running(definition, settings_of(cluster, home, *roles), bus=await _bus()) as runtime:
        app = app_of(definition, runtime)
        transport = httpx.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {keys.secret_key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://identity", headers=headers) as http:
            yield Alone(runtime, app, http, keys)


def serve(settings: IdentitySettings, listener: socket.socket | None) -> None:
    """Run the service in this process until it is ended, over HTTP where there is a socket."""

    async def main() -> None:
        async with running(definition, settings, bus=await _bus()) as runtime:
            if "jobs" not in settings.roles and runtime.relay is not None:
                # each process has a bus of its own here: one tells
                await runtime.relay.stop()
            if listener is None:
                await asyncio.Event().wait()
            config = uvicorn.Config(
                app_of(definition, runtime), log_config=None, access_log=False, lifespan="off", server_header=False
            )
            await uvicorn.Server(config).serve(sockets=[listener] if listener else None)

    collect_seldom()
    uvloop.run(main())
