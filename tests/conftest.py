"""Fixtures of every tier: a real PostgreSQL, databases of services, buses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from hypothesis import settings
from xdist.remote import Producer

from launcher.nats import EmbeddedNats
from launcher.postgres import EmbeddedPostgres
from libs.common.bus import Bus, MemoryBus, NatsBus
from libs.common.garbage import collect_seldom
from tests.fixtures.apps import House, a_house
from tests.fixtures.nats import running_nats
from tests.fixtures.postgres import ServiceDatabase, Templates, running_cluster
from tests.fixtures.system import a_brand, sink, stack
from tests.fixtures.types_of_arrays import learn_types_once
from tests.fixtures.workers import UnitScheduling, needs_the_launchers_loop

try:
    from uvloop import new_event_loop
except ImportError:  # no uvloop on Windows
    from asyncio import new_event_loop

__all__ = ["a_brand", "sink", "stack"]

# a busy machine is no fault of what is tested
settings.register_profile("house", deadline=None)
settings.load_profile("house")
learn_types_once()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> UnitScheduling:
    """Spread the tests over the workers by our own units."""
    return UnitScheduling(config, log)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the loop that what is tested runs on; asyncio's own takes more of the processor."""
    if needs_the_launchers_loop(item.nodeid):
        return {"launcher": asyncio.new_event_loop}
    return {"services": new_event_loop}


def pytest_collection_finish() -> None:
    """Look for garbage as seldom as the services do: a tenth of the processor went into looking through what lives."""
    collect_seldom()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's cluster (one per xdist worker)."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def templates(postgres: EmbeddedPostgres) -> Templates:
    """Migrated templates of the session's cluster."""
    return Templates(postgres)


DatabaseOf = Callable[[str], Awaitable[ServiceDatabase]]


@pytest_asyncio.fixture
async def database_of(templates: Templates) -> AsyncIterator[DatabaseOf]:
    """`await database_of("journey")` gives that service's own empty database, dropped after the test."""
    async with AsyncExitStack() as stack:

        async def make(service: str) -> ServiceDatabase:
            return await stack.enter_async_context(templates.clone(service))

        yield make


@pytest.fixture
def memory_bus() -> MemoryBus:
    """A bus in memory, passing the same suite as NATS."""
    return MemoryBus()


@pytest.fixture
def nats_server() -> Iterator[EmbeddedNats]:
    """A NATS server of this test's own."""
    with running_nats() as server:
        yield server


@pytest_asyncio.fixture
async def nats_bus(nats_server: EmbeddedNats) -> AsyncIterator[NatsBus]:
    """A bus over a real NATS, with all rights."""
    bus = await NatsBus.connect(
        nats_server.url, service="sample", user="administrator", password=nats_server.passwords["administrator"]
    )
    yield bus
    await bus.close()


@pytest.fixture(params=["memory", "nats"])
def bus(request: pytest.FixtureRequest) -> Bus:
    """Each bus in turn."""
    chosen: Bus = request.getfixturevalue(f"{request.param}_bus")
    return chosen


@pytest_asyncio.fixture(scope="session")
async def sandboxes() -> AsyncIterator[None]:
    """Processes that render for messaging, kept for the session."""
    from tests.fixtures.sandboxes import lasting_sandboxes  # a test that starts no service need not know messaging

    async with lasting_sandboxes():
        yield


@pytest_asyncio.fixture
async def house(templates: Templates, memory_bus: MemoryBus, sandboxes: None) -> AsyncIterator[House]:
    """Services of this process: `await house.start("journey")`."""
    async with a_house(templates, memory_bus) as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def lasting_house(templates: Templates, sandboxes: None) -> AsyncIterator[House]:
    """Services that last for the session and only answer: for requests that are refused, and so leave nothing in them.

    A columnar store has a process to itself, so that segment is started here by nobody.
    """
    async with a_house(templates, MemoryBus()) as made:
        made.roles = frozenset({"api"})
        yield made
