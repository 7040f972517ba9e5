"""Fixtures of every tier: a real PostgreSQL, databases of services, buses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from launcher.postgres import EmbeddedPostgres
from tests.fixtures.postgres import ServiceDatabase, Templates, running_cluster


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
