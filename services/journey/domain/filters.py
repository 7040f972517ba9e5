"""Conditions on the properties of an event; they may compare with the event that began the run."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Operator = Literal[
    "equals", "not_equals", "gt", "gte", "lt", "lte", "in", "not_in", "contains", "not_contains", "starts_with",
    "ends_with", "exists", "missing",
]  # fmt: skip
_MISSING = object()
_NEGATIVES = frozenset({"not_equals", "not_in", "not_contains", "missing"})


class Filter(BaseModel):
    """One condition: a path, an operator, and a value or the `same` property of the entry event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1, max_length=200)
    op: Operator = "equals"
    value: Any = None
    same: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _has_what_its_operator_needs(self) -> "Filter":
        if self.same is not None and "value" in self.model_fields_set:
            raise ValueError("compare with a value or with `same`, not with both")
        if self.op in {"in", "not_in"} and self.same is None and not isinstance(self.value, list):
            raise ValueError(f"`{self.op}` needs a list as its value")
        if self.op not in {"exists", "missing"} and self.same is None and self.value is None:
            raise ValueError(f"`{self.op}` needs a value")
        return self

    def holds(self, properties: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
        """Return whether the properties fit; `entry` are those of the event that began the run."""
        found = value_at(properties, self.path)
        if self.op in {"exists", "missing"}:
            return (found is not None) == (self.op == "exists")
        wanted = value_at(entry, self.same) if self.same is not None else self.value
        if found is None or wanted is None:
            return found is None and self.op in _NEGATIVES
        return _compare(self.op, found, wanted)


def all_hold(filters: tuple[Filter, ...], properties: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Return whether every filter holds."""
    return all(condition.holds(properties, entry) for condition in filters)


def value_at(properties: Mapping[str, Any], path: str) -> Any:
    """Return the value under a literal name, or under a dotted path; None when missing, null or empty text."""
    found: Any = properties.get(path, _MISSING)
    if found is _MISSING:
        found = properties
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    return None if found == "" else found


def number(value: Any) -> Decimal | None:
    """Return a number, or a text that is one, exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def _is_plain(found: Any) -> bool:
    """Tell whether it is a text, number or boolean: a list or an object equals nothing and differs from nothing."""
    return not isinstance(found, list | Mapping)


def _equal(found: Any, wanted: Any) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    left, right = number(found), number(wanted)
    if left is not None and right is not None:
        return left == right
    return bool(found == wanted)


def _order(op: Operator, found: Any, wanted: Any) -> bool:
    left, right = number(found), number(wanted)
    if left is not None and right is not None:
        sign = (left > right) - (left < right)
    elif isinstance(found, str) and isinstance(wanted, str):
        sign = (found > wanted) - (found < wanted)
    else:
        return False
    return {"gt": sign > 0, "gte": sign >= 0, "lt": sign < 0, "lte": sign <= 0}[op]


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return any(_equal(item, wanted) for item in found)
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _compare(op: Operator, found: Any, wanted: Any) -> bool:
    match op:
        case "equals":
            return _is_plain(found) and _equal(found, wanted)
        case "not_equals":
            return _is_plain(found) and not _equal(found, wanted)
        case "in" | "not_in":
            choices = wanted if isinstance(wanted, list) else [wanted]
            return _is_plain(found) and any(_equal(found, choice) for choice in choices) == (op == "in")
        case "contains":
            return _contains(found, wanted)
        case "not_contains":
            return isinstance(found, str | list) and not _contains(found, wanted)
        case "starts_with":
            return isinstance(found, str) and isinstance(wanted, str) and found.startswith(wanted)
        case "ends_with":
            return isinstance(found, str) and isinstance(wanted, str) and found.endswith(wanted)
        case _:
            return _order(op, found, wanted)
