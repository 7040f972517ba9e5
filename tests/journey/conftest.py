"""A journey service on the memory bus, with a driven clock and its neighbours played by fakes."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.fixtures.apps import House
from tests.journey.stage import Stage, a_stage


@pytest_asyncio.fixture
async def stage(house: House) -> AsyncIterator[Stage]:
    """The running service and everybody around it."""
    async with a_stage(house) as made:
        yield made
