"""Putting a service together: settings, pools, bus, directory, subscriptions, jobs, HTTP; and taking it down."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Generic, NoReturn, TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from libs.common import housekeeping
from libs.common.access.directory import Directory
from libs.common.access.feed import AccessFeed
from libs.common.bus import Bus, NatsBus, Subscription, SubscriptionLoop
from libs.common.clock import SYNC_SECONDS, DatabaseClock
from libs.common.contracts.catalogue import all_contracts
from libs.common.contracts.event import owner_of
from libs.common.db import Database, Tx, statement
from libs.common.garbage import collect_seldom
from libs.common.http.app import attach_runtime, build_app
from libs.common.http.house import house_routes
from libs.common.http.peers import Peers
from libs.common.jobs import Job, JobLoop
from libs.common.outbox import Relay
from libs.common.personal import Vault
from libs.common.registry import discover
from libs.common.replay.job import job as apply_replays
from libs.common.replay.telling import Telling
from libs.common.runtime import Runtime
from libs.common.settings import ServiceSettings
from libs.common.telemetry import setup_logging, setup_tracing

try:
    from uvloop import run
except ImportError:  # no uvloop on Windows
    from asyncio import run  # type: ignore[assignment]  # the same call, other optional arguments

P = TypeVar("P")
log = logging.getLogger(__name__)

VERSION = "0.1.0"
GRACE_SECONDS = 20

Parts = Callable[[Runtime[Any]], AbstractAsyncContextManager[P]]


@dataclass(frozen=True)
class ServiceDefinition(Generic[P]):
    """What makes a service this one: its rooms, its settings, and the things only it has."""

    name: str
    title: str
    settings: type[ServiceSettings]
    api: ModuleType
    parts: Parts[P]
    subscribers: ModuleType | None = None
    jobs: ModuleType | None = None
    tellings: ModuleType | None = None


@asynccontextmanager
async def no_parts(_runtime: Runtime[Any]) -> AsyncIterator[None]:
    """Give the parts of a service that has none of its own."""
    yield None


@asynccontextmanager
async def running(
    definition: ServiceDefinition[P], settings: ServiceSettings, *, bus: Bus, peers: Peers | None = None
) -> AsyncIterator[Runtime[P]]:
    """Open everything, run the roles named in the settings, and close in reverse order."""
    async with AsyncExitStack() as stack:
        size = settings.database_pool_size
        database = await Database.open(settings.database_url, service=definition.name, pool_size=size)
        stack.push_async_callback(database.close)
        worker_database = await Database.open(settings.worker_url, service=definition.name, pool_size=size)
        stack.push_async_callback(worker_database.close)
        clock = DatabaseClock()
        await clock.synchronise(worker_database)
        directory = Directory(Vault(settings.master_key.get_secret_value()))
        feed = AccessFeed(worker_database, bus, directory)
        await feed.start()
        stack.push_async_callback(feed.stop)
        peers = peers or Peers(definition.name, settings)
        stack.push_async_callback(peers.close)
        runtime: Runtime[Any] = Runtime(
            service=definition.name, settings=settings, database=database, worker_database=worker_database,
            bus=bus, directory=directory, peers=peers, clock=clock, parts=None,
        )  # fmt: skip
        runtime.held = await _held_workspaces(worker_database)
        _find_plug_ins(definition, runtime)
        runtime.parts = await stack.enter_async_context(definition.parts(runtime))
        await _start_loops(definition, runtime, stack)
        keeper = asyncio.create_task(_keep_clock(clock, worker_database))
        stack.callback(keeper.cancel)
        yield runtime


async def _held_workspaces(database: Database) -> set[int]:
    async with database.transaction(()) as tx:
        rows = await tx.fetch(statement("select workspace_id from workspace where held"))
    return {row["workspace_id"] for row in rows}


def _find_plug_ins(definition: ServiceDefinition[Any], runtime: Runtime[Any]) -> None:
    """Note, whatever the roles of this process, what the service hears and what it can tell again."""
    if definition.subscribers is not None:
        found = discover(definition.subscribers, "subscription", Subscription)
        runtime.subscribers = {subscription.name: _knowing_workspaces(subscription) for subscription in found}
    if definition.tellings is not None:
        told = discover(definition.tellings, "telling", Telling)
        runtime.tellings = {telling.contract.subject: telling for telling in told}


async def _start_loops(definition: ServiceDefinition[Any], runtime: Runtime[Any], stack: AsyncExitStack) -> None:
    roles = runtime.settings.roles
    said = [contract for contract in all_contracts() if owner_of(contract) == definition.name]
    relay = Relay(runtime.worker_database, runtime.bus, definition.name, contracts=said)
    runtime.relay = relay
    await relay.start()
    stack.push_async_callback(relay.stop)
    if "jobs" in roles:
        # not among the loops: it goes by real time, so a driven clock neither wakes it nor waits for it
        keeper = JobLoop(housekeeping.job, runtime)
        keeper.start()
        stack.push_async_callback(keeper.stop)
    # Every process knows all loops of the service, so that each can answer how far the service is; it runs its roles'.
    if definition.jobs is not None:
        shared = [apply_replays] if runtime.subscribers else []
        for job in [*discover(definition.jobs, "job", Job), *shared]:
            runtime.loops[job.name] = JobLoop(job, runtime)
        for loop in runtime.loops.values() if "jobs" in roles else ():
            loop.start()
            stack.push_async_callback(loop.stop)
    for subscription in runtime.subscribers.values():
        following = SubscriptionLoop(subscription, runtime)
        runtime.subscriptions.append(following)
        await (following.start() if "subscribers" in roles else following.observe())
        stack.push_async_callback(following.stop)


def _knowing_workspaces(subscription: Subscription[Any]) -> Subscription[Any]:
    """Return the subscription with a handler that asks for a workspace the first time one is heard of."""

    async def handle(tx: Tx, events: list[Any], runtime: Runtime[Any]) -> None:
        # only a workspace never heard of before costs a look into the bucket
        await runtime.directory.ensure_workspaces({event.workspace_id for event in events})
        await subscription.handle(tx, events, runtime)

    return replace(subscription, handle=handle)


async def _keep_clock(clock: DatabaseClock, database: Database) -> None:
    while True:
        await asyncio.sleep(SYNC_SECONDS)
        try:
            await clock.synchronise(database)
        except Exception:  # noqa: BLE001 - the offset measured before is good enough until the database is back
            log.warning("the database clock could not be read")


def app_of(definition: ServiceDefinition[Any], runtime: Runtime[Any] | None = None) -> FastAPI:
    """Return the service's app; without a runtime it only describes itself (OpenAPI)."""
    traced = runtime is not None and bool(runtime.settings.otlp_endpoint)
    app = build_app(
        definition.title, definition.api, version=VERSION, house=house_routes(definition.name), traced=traced
    )
    if runtime is not None:
        attach_runtime(app, runtime)
    return app


async def _serve(definition: ServiceDefinition[Any], settings: ServiceSettings) -> None:
    bus = await NatsBus.connect(
        settings.nats_url,
        service=definition.name,
        user=settings.nats_user or None,
        password=settings.nats_password.get_secret_value() or None,
    )
    try:
        async with running(definition, settings, bus=bus) as runtime:
            config = uvicorn.Config(
                app_of(definition, runtime),
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=75,
                server_header=False,
            )
            await uvicorn.Server(config).serve()
    finally:
        await bus.close()


def serve(definition: ServiceDefinition[Any]) -> NoReturn:
    """Run the service until it is told to stop; a missing dependency is one clear line and exit status 1."""
    try:
        settings = definition.settings()
    except ValidationError as error:
        for line in error.errors():
            where = ".".join(str(part) for part in line["loc"]) or "settings"
            print(f"{definition.name}: {where}: {line['msg']}", file=sys.stderr)  # noqa: T201 - before logging is up
        sys.exit(1)
    setup_logging(definition.name, settings.log_level)
    provider = setup_tracing(definition.name, settings.otlp_endpoint)
    # uvicorn raises the signal anew once it has stopped; by default that kills us before the loops are taken down
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    collect_seldom()
    try:
        run(_serve(definition, settings))
    except KeyboardInterrupt:
        pass
    except Exception as error:
        log.debug("start failed", exc_info=True)
        print(f"{definition.name}: cannot start: {explain(error, settings)}", file=sys.stderr)  # noqa: T201 - the one line
        sys.exit(1)
    finally:
        if provider is not None:
            provider.shutdown()
    sys.exit(0)


def explain(error: Exception, settings: ServiceSettings) -> str:
    """Return what is missing and how to fix it, in one line."""
    name = type(error).__name__
    text = " ".join(str(error).split()) or name
    if "asyncpg" in type(error).__module__ or isinstance(error, OSError):
        place = settings.database_url.rsplit("@", 1)[-1]
        return f"{name}: {text} (database {place}; is it running, migrated, and reachable with this user?)"
    if "nats" in type(error).__module__:
        return f"{name}: {text} (bus {settings.nats_url}; is nats-server running with JetStream on?)"
    return f"{name}: {text}"
