"""From JSON to a sound graph, or to every error in it with its pointer."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from libs.common.errors import FieldError
from services.journey.domain.definition import Definition
from services.journey.domain.graph import Graph, Move
from services.journey.domain.node import NEXT, Node
from services.journey.domain.run import ENTRY
from services.journey.domain.writable import why_unwritable

MOST_NODES = 500


class Unsound(Exception):
    """A definition that cannot be walked; `errors` names everything wrong with it."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)


def read_graph(
    raw: Mapping[str, Any], kinds: Mapping[str, type[Node]], moves: Mapping[str, Move] | None = None
) -> Graph:
    """Return the graph of a definition; raises Unsound with all errors found."""
    errors: list[FieldError] = []
    why = why_unwritable(raw)
    if why is not None:
        raise Unsound([FieldError(pointer="", detail=why, code="unwritable")])
    definition = _read_definition(raw, errors)
    nodes = _read_nodes(raw.get("nodes"), kinds, errors)
    if errors or definition is None:
        raise Unsound(errors)
    graph = Graph(definition, {node.id: node for node in nodes}, moves or {})
    errors = [*_unknown_references(graph)]
    if not errors:
        errors = [*_unreachable(graph), *_unbounded_cycles(graph)]
    if errors:
        raise Unsound(errors)
    return graph


def pointer(*parts: str | int) -> str:
    """Return an RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _from_pydantic(error: ValidationError, *prefix: str | int) -> list[FieldError]:
    return [
        FieldError(
            pointer=pointer(*prefix, *_location(e["loc"])),
            detail=e["msg"].removeprefix("Value error, "),
            code=e["type"],
        )
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _location(loc: tuple[int | str, ...]) -> list[int | str]:
    # a union adds the name of the member tried, which is no place in the input
    return [part for part in loc if not (isinstance(part, str) and (part[:1].isupper() or "[" in part))]


def _read_definition(raw: Mapping[str, Any], errors: list[FieldError]) -> Definition | None:
    try:
        return Definition.model_validate({name: value for name, value in raw.items() if name != "nodes"})
    except ValidationError as error:
        errors += _from_pydantic(error)
    return None


def _read_nodes(raw: Any, kinds: Mapping[str, type[Node]], errors: list[FieldError]) -> list[Node]:
    if not isinstance(raw, list) or not raw:
        errors.append(FieldError(pointer="/nodes", detail="a journey needs at least one node", code="missing"))
        return []
    if len(raw) > MOST_NODES:
        errors.append(FieldError(pointer="/nodes", detail=f"at most {MOST_NODES} nodes", code="too_long"))
        return []
    nodes: list[Node] = []
    seen: set[str] = set()
    for number, item in enumerate(raw):
        node = _read_node(item, number, kinds, errors)
        if node is None:
            continue
        if node.id in seen or node.id == ENTRY:
            errors.append(
                FieldError(pointer=pointer("nodes", number, "id"), detail=f"`{node.id}` is taken", code="duplicate")
            )
        seen.add(node.id)
        nodes.append(node)
    return nodes


def _read_node(item: Any, number: int, kinds: Mapping[str, type[Node]], errors: list[FieldError]) -> Node | None:
    if not isinstance(item, dict):
        errors.append(FieldError(pointer=pointer("nodes", number), detail="a node is an object", code="type"))
        return None
    kind = kinds.get(str(item.get("type")))
    if kind is None:
        known = ", ".join(sorted(kinds))
        errors.append(
            FieldError(pointer=pointer("nodes", number, "type"), detail=f"a type is one of {known}", code="unknown")
        )
        return None
    try:
        return kind.model_validate({name: value for name, value in item.items() if name != "type"})
    except ValidationError as error:
        errors += _from_pydantic(error, "nodes", number)
    return None


def _unknown_references(graph: Graph) -> list[FieldError]:
    return [
        FieldError(pointer=f"/nodes/{number}/{branch}", detail=f"there is no node `{target}`", code="unknown_node")
        for number, node in enumerate(graph.nodes.values())
        for branch, target in node.branches().items()
        if target is not None and target not in graph.nodes
    ]


def _unreachable(graph: Graph) -> list[FieldError]:
    positions = {node: number for number, node in enumerate(graph.nodes)}
    return [
        FieldError(pointer=f"/nodes/{positions[node]}", detail=f"nobody can reach `{node}`", code="unreachable")
        for node in graph.unreachable
    ]


def _unbounded_cycles(graph: Graph) -> list[FieldError]:
    """Find the ways that close a cycle no node bounds, by a depth-first walk that does not pass the bounding nodes."""
    positions = {node: number for number, node in enumerate(graph.nodes)}
    state: dict[str, int] = {}
    errors: list[FieldError] = []
    for root in graph.nodes:
        stack: list[tuple[str, list[tuple[str, str | None]]]] = []
        if root not in state:
            stack.append((root, _walkable(graph, root)))
            state[root] = 1
        while stack:
            node, ways = stack[-1]
            if not ways:
                state[node] = 2
                stack.pop()
                continue
            branch, target = ways.pop()
            if target is None or state.get(target) == 2:
                continue
            if state.get(target) == 1:
                where = f"/nodes/{positions[node]}" + (
                    f"/{branch}" if branch != NEXT or "next" in graph.nodes[node].branches() else ""
                )
                errors.append(
                    FieldError(
                        pointer=where, detail=f"leads back to `{target}` without a bound; use a jump", code="cycle"
                    )
                )
                continue
            state[target] = 1
            stack.append((target, _walkable(graph, target)))
    return errors


def _walkable(graph: Graph, node: str) -> list[tuple[str, str | None]]:
    return [] if graph.nodes[node].guards_loops else list(graph.ways(node))
