"""The plug-ins in force, found by their files."""

from functools import cache

from libs.common.registry import discover
from services.segment import conditions
from services.segment.conditions import operators
from services.segment.domain.condition import ConditionKind, Grammar, OperatorKind


@cache
def grammar() -> Grammar:
    """Return every condition and value operator by the names it answers to."""
    kinds = discover(conditions, "condition", ConditionKind)
    tests = discover(operators, "operator", OperatorKind)
    return Grammar(
        conditions={key: kind for kind in kinds for key in kind.keys},
        operators={name: kind for kind in tests for name in kind.names},
    )
