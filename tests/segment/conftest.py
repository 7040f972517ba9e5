import pytest_asyncio

from tests.fixtures.apps import House
from tests.segment.stage import Stage, a_stage


@pytest_asyncio.fixture
async def stage(house: House) -> Stage:
    """A running segment service under a driven clock."""
    return await a_stage(house)
