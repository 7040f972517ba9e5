"""A tracking plan: which events a workspace expects, and what becomes of those that are otherwise."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from services.identity.domain.calls import Call, Refusal, escaped, mapping
from services.identity.domain.timestamps import read_time

Mode = Literal["accept", "warn", "quarantine"]
ValueType = Literal["text", "number", "integer", "boolean", "time", "object", "list"]
MOST_TOLD = 20
"""Violations told of one call: a call of ten thousand strange properties is as wrong as one of twenty."""


class ValueRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a property or trait is: its type, whether it has to be there, its allowed values; a null is not there.

    `on_violation` is what becomes of a call that breaks this rule, the event's own mode where it is absent.
    """

    type: ValueType | None = None
    required: bool = False
    values: tuple[str | int | float | bool, ...] | None = None
    on_violation: Mode | None = None


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an event carries; `unplanned_properties` is what becomes of a call with others."""

    on_violation: Mode = "warn"
    properties: dict[str, ValueRule] = {}
    unplanned_properties: Mode = "accept"


class TrackingPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The plan of a workspace. Events go by their name, other calls by `$page`, `$identify` ...; `traits` is the rule

    for what identify calls carry.
    """

    events: dict[str, EventRule] = {}
    traits: EventRule | None = None
    unplanned_events: Mode = "accept"


class Violation(NamedTuple):
    """What in a call is not as planned, and what becomes of the call for it."""

    mode: Mode
    refusal: Refusal


def violations(call: Call, plan: TrackingPlan) -> list[Violation]:
    """Return how a call departs from the plan, what is only to be accepted left out; the gravest first."""
    found = [one for one in _violations(call, plan) if one.mode != "accept"]
    return sorted(found, key=lambda one: (one.mode != "quarantine", one.refusal.pointer))[:MOST_TOLD]


def _violations(call: Call, plan: TrackingPlan) -> Iterator[Violation]:
    rule = plan.events.get(call.name)
    if rule is not None:
        yield from _carried(mapping(call.body.get("properties")), rule, "properties")
    elif call.kind == "track":
        refusal = Refusal("unplanned_event", "/event", "the tracking plan has no event of this name")
        yield Violation(plan.unplanned_events, refusal)
    if plan.traits is not None and call.kind == "identify":
        yield from _carried(mapping(call.body.get("traits")), plan.traits, "traits")


def _carried(values: Mapping[str, Any], rule: EventRule, part: str) -> Iterator[Violation]:
    for name, wanted in rule.properties.items():
        pointer = f"/{part}/{escaped(name)}"
        broken = _broken(values.get(name), wanted, name)
        if broken is not None:
            yield Violation(wanted.on_violation or rule.on_violation, Refusal(broken[0], pointer, broken[1]))
    if rule.unplanned_properties != "accept":
        for name in values.keys() - rule.properties.keys():
            refusal = Refusal("unplanned_property", f"/{part}/{escaped(name)}", "the tracking plan does not name this")
            yield Violation(rule.unplanned_properties, refusal)


def _broken(value: Any, rule: ValueRule, name: str) -> tuple[str, str] | None:
    if value is None:
        return ("missing_property", f"{name} is missing") if rule.required else None
    if rule.type is not None and not _is(value, rule.type):
        return "wrong_type", f"{name} is {rule.type}"
    if rule.values is not None and not any(type(value) is type(one) and value == one for one in rule.values):
        return "not_allowed", f"{name} is none of the planned values"
    return None


def _is(value: Any, kind: ValueType) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if kind == "time":
        return isinstance(value, str) and read_time(value) is not None
    return isinstance(value, dict if kind == "object" else list)


class Sorted(NamedTuple):
    """Calls by what the plan makes of them: positions of those that stay, those held, and the warnings by position."""

    staying: list[int]
    held: list[tuple[int, Refusal]]
    warned: dict[int, Violation]
    broken: list[tuple[int, Violation]]


def sort_calls(calls: list[Call], plan: TrackingPlan) -> Sorted:
    """Return which calls stay and which are held; each with its gravest violation, and all violations to count."""
    done = Sorted([], [], {}, [])
    for position, call in enumerate(calls):
        found = violations(call, plan)
        done.broken.extend((position, one) for one in found)
        if found and found[0].mode == "quarantine":
            done.held.append((position, found[0].refusal))
            continue
        done.staying.append(position)
        if found:
            done.warned[position] = found[0]
    return done
