"""A node of the sample service."""

import pytest

from tests.common.sample.node import Node


@pytest.fixture
async def node(database_of, bus):
    return Node(await database_of("sample"), bus)


@pytest.fixture
async def memory_node(database_of, memory_bus):
    return Node(await database_of("sample"), memory_bus)
