"""From JSON to a graph, or to every error in it."""

from typing import Any

import pytest

from services.journey.domain.editing import moves_after
from services.journey.domain.graph import Graph
from services.journey.domain.reading import Unsound, read_graph
from services.journey.store.graphs import node_kinds

KINDS = node_kinds()
ENTRY = {"on": "event", "event": "go"}
END = {"id": "end", "type": "exit"}


def a_graph(*nodes: dict[str, Any]) -> Graph:
    return read_graph({"entry": ENTRY, "nodes": list(nodes)}, KINDS)


def errors_of(definition: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Unsound) as found:
        read_graph(definition, KINDS)
    return {error.pointer: error.code for error in found.value.errors}


def test_every_error_of_a_definition_comes_with_its_pointer() -> None:
    assert errors_of({}) == {"/entry": "missing", "/nodes": "missing"}
    assert errors_of({"entry": {"on": "event"}, "nodes": [{"type": "send", "id": "a"}, {"type": "fly"}, 7]}) == {
        "/entry": "value_error", "/nodes/0": "value_error", "/nodes/1/type": "unknown", "/nodes/2": "type",
    }  # fmt: skip
    assert errors_of({"entry": ENTRY, "nodes": [{"type": "wait", "id": "w", "for": "soon"}]}) == {
        "/nodes/0/for": "value_error"
    }
    assert errors_of({"entry": ENTRY, "nodes": [{"id": "s", "type": "split", "segment": "x", "yes": None}]}) == {
        "/nodes/0/no": "missing"
    }
    assert errors_of({"entry": ENTRY, "nodes": [{**END, "id": "a", "next": "nowhere"}, {**END, "id": "a"}]}) == {
        "/nodes/1/id": "duplicate"
    }
    assert errors_of({"entry": ENTRY, "nodes": [{"id": "w", "type": "wait", "for": "PT1H", "next": "gone"}]}) == {
        "/nodes/0/next": "unknown_node"
    }


def test_a_node_nobody_reaches_is_an_error() -> None:
    assert errors_of({"entry": ENTRY, "nodes": [END, {"id": "b", "type": "wait", "for": "PT1H"}]}) == {
        "/nodes/1": "unreachable"
    }


def test_a_cycle_needs_a_jump() -> None:
    waits: list[dict[str, Any]] = [
        {"id": "a", "type": "wait", "for": "PT1H"},
        {"id": "b", "type": "wait", "for": "PT1H", "next": "a"},
    ]
    assert errors_of({"entry": ENTRY, "nodes": waits}) == {"/nodes/1/next": "cycle"}
    bounded: list[dict[str, Any]] = [waits[0], {"id": "b", "type": "jump", "to": "a", "max_visits": 2}]
    assert a_graph(*bounded).cyclic == {"a", "b"}


def test_deep_json_is_refused_and_not_a_crash() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"condition": deep}
    assert errors_of({"entry": ENTRY, "nodes": [deep]}) == {"": "unwritable"}


def test_a_deleted_node_leads_to_the_next_one_left_or_out() -> None:
    waits = [{"id": name, "type": "wait", "for": "P1D"} for name in "abc"]
    old, new = a_graph(*waits), a_graph(waits[0], waits[2])
    assert moves_after([old], new, {"b": "next"})["b"].to == "c"
    assert moves_after([old], new, {"b": "exit"})["b"].exits
    assert moves_after([old], a_graph(waits[0]), {"b": "next", "c": "next"})["c"].to is None
    assert moves_after([old], new, {"b": "stay"}) == {}
