"""One migrated database for the use cases' tests: each takes workspaces of its own in it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fixtures.postgres import ServiceDatabase, Templates


@pytest_asyncio.fixture(scope="session")
async def profile_database(templates: Templates) -> AsyncIterator[ServiceDatabase]:
    """The profile service's database, kept for the session."""
    async with templates.clone("profile") as database:
        yield database
