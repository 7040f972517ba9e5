"""One migrated database for the use cases' tests: each takes workspaces of its own in it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fixtures.apps import House, ServiceApp
from tests.fixtures.postgres import ServiceDatabase, Templates


@pytest_asyncio.fixture(scope="session")
async def profile_database(templates: Templates) -> AsyncIterator[ServiceDatabase]:
    """The profile service's database, kept for the session."""
    async with templates.clone("profile") as database:
        yield database


@pytest_asyncio.fixture
async def running_profile(house: House) -> ServiceApp:
    """The running service with the streams it follows."""
    for owner in ("identity", "messaging", "journey"):
        await house.bus.ensure_stream(owner)
    return await house.start("profile")
