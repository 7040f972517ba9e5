"""Published graphs in memory: a version never changes, so it is read once."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from libs.common.db import Tx, statement
from libs.common.registry import discover
from services.journey import nodes
from services.journey.domain.graph import Graph, Move
from services.journey.domain.node import Node
from services.journey.domain.reading import read_graph

GraphKey = tuple[int, UUID, int]
"""Workspace, journey, version."""
_MOST_GRAPHS = 5_000
_LOAD = statement("""
    select v.workspace_id, v.journey_id, v.version, v.definition, v.moves
    from unnest(:workspace_ids::int[], :journey_ids::uuid[], :versions::int[]) k(workspace_id, journey_id, version)
    join journey_version v using (workspace_id, journey_id, version)
""")


def node_kinds() -> Mapping[str, type[Node]]:
    """Return every kind of node by its name."""
    return {kind.kind: kind for kind in discover(nodes, "node", type) if issubclass(kind, Node)}


def read_moves(raw: Mapping[str, Any]) -> dict[str, Move]:
    """Return where people in deleted nodes go."""
    return {node: Move(move.get("to"), bool(move.get("exits"))) for node, move in raw.items()}


class Graphs:
    """The graphs of this process, by workspace, journey and version."""

    def __init__(self) -> None:
        self.kinds = node_kinds()
        self._known: dict[GraphKey, Graph] = {}

    async def of(self, tx: Tx, keys: Iterable[GraphKey]) -> Mapping[GraphKey, Graph]:
        """Return the graphs asked for; a version of a workspace the transaction cannot see is absent."""
        wanted = set(keys)
        missing = [key for key in wanted if key not in self._known]
        if missing:
            if len(self._known) > _MOST_GRAPHS:
                self._known.clear()
                missing = list(wanted)
            rows = await tx.fetch(
                _LOAD,
                workspace_ids=[key[0] for key in missing],
                journey_ids=[key[1] for key in missing],
                versions=[key[2] for key in missing],
            )
            for workspace_id, journey_id, version, definition, moves in rows:
                graph = read_graph(definition, self.kinds, read_moves(moves))
                self._known[workspace_id, journey_id, version] = graph
        return {key: self._known[key] for key in wanted if key in self._known}
