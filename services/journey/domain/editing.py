"""What a new version means for people in nodes that it no longer has."""

from collections.abc import Mapping, Sequence
from typing import Literal

from services.journey.domain.graph import Graph, Move

Deleted = Literal["next", "exit", "stay"]
"""What the author chose for a deleted node: the next one that is left, out, or on with the old version."""


def moves_after(old: Sequence[Graph], new: Graph, choices: Mapping[str, Deleted]) -> dict[str, Move]:
    """Return where the people of deleted nodes go; `old` are the versions people are on, youngest first."""
    moves: dict[str, Move] = {}
    for graph in old:
        for node in graph.nodes:
            if node in new.nodes or node in moves or choices.get(node) == "stay":
                continue
            moves[node] = Move(exits=True) if choices.get(node) == "exit" else Move(to=_next_left(graph, new, node))
    return moves


def _next_left(old: Graph, new: Graph, node: str) -> str | None:
    following = old.following(node)
    while following is not None and following not in new.nodes:
        following = old.following(following)
    return following


def deleted_nodes(old: Sequence[Graph], new: Graph) -> set[str]:
    """Return the nodes of older versions that the new one lacks."""
    return {node for graph in old for node in graph.nodes if node not in new.nodes}
