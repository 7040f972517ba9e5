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


@pytest_asyncio.fixture
async def lasting_stage(lasting_house: House) -> AsyncIterator[Stage]:
    """The same for what is refused: the service lasts for the session, and nothing runs in it."""
    async with a_stage(lasting_house) as made:
        yield made
