"""Conditions on properties."""

import pytest
from pydantic import ValidationError

from services.journey.domain.filters import Filter


@pytest.mark.parametrize(
    ("op", "value", "found", "holds"),
    [
        ("equals", 2, "2", True), ("equals", "a", "a", True), ("equals", True, 1, False), ("not_equals", 1, None, True),
        ("gt", 5, "8", True), ("gt", 5, "x", False), ("gte", 5, 5, True), ("lt", "b", "a", True),
        ("lte", 1, None, False),
        ("in", ["a", 1], 1, True), ("not_in", ["a"], "b", True), ("not_in", ["a"], None, True),
        ("exists", None, "", False),
        ("missing", None, "", True), ("contains", "bc", "abcd", True), ("contains", 2, [1, "2"], True),
        ("not_contains", "x", None, True), ("not_contains", "x", "abc", True), ("not_contains", "b", "abc", False),
        ("not_contains", "x", ["y"], True), ("not_contains", "x", 8, False), ("not_contains", "x", True, False),
        ("not_contains", "x", {"y": 1}, False), ("equals", ["a"], ["a"], False), ("not_equals", "a", ["b"], False),
        ("not_equals", "a", {"a": 1}, False), ("not_equals", "a", 8, True), ("in", [["a"]], ["a"], False),
        ("not_in", ["a"], ["b"], False), ("not_in", ["a"], {"b": 1}, False), ("not_in", ["a"], True, True),
        ("starts_with", "a", "abc", True), ("ends_with", "c", "abc", True),
        ("gt", 9007199254740992, 9007199254740993, True), ("equals", 1, {"a": 1}, False),
    ],
)  # fmt: skip
def test_an_operator_means_what_segments_mean(op: str, value: object, found: object, holds: bool) -> None:
    given = {"value": value} if value is not None else {}
    assert Filter.model_validate({"path": "p", "op": op, **given}).holds({"p": found}, {}) is holds


def test_a_path_walks_into_objects_but_a_literal_name_comes_first() -> None:
    condition = Filter.model_validate({"path": "a.b", "value": 1})
    assert condition.holds({"a": {"b": 1}}, {})
    assert condition.holds({"a.b": 1, "a": {"b": 2}}, {})
    assert not condition.holds({"a": 1}, {})


@pytest.mark.parametrize(
    "broken",
    [{"path": ""}, {"path": "p"}, {"path": "p", "op": "in", "value": 1}, {"path": "p", "value": 1, "same": "q"}],
)
def test_a_filter_without_sense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Filter.model_validate(broken)
