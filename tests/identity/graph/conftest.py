"""A graph on a real PostgreSQL, without the service around it."""

from collections.abc import Sequence

import pytest_asyncio

from services.identity.domain.policy import NamespaceKind, PolicySet
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE


@pytest_asyncio.fixture
async def graph_of(database_of):
    """`await graph_of(policies)` gives an empty graph under these policies."""

    async def make(policies: PolicySet = DENSE, namespaces: Sequence[NamespaceKind] = ()) -> Graph:
        graph = Graph(await database_of("identity"), namespaces=namespaces)
        await graph.declare(WORKSPACE, policies)
        return graph

    return make
