"""The oracle: segments as plainly as they can be said, over lists of events in memory. It knows no SQL and no index.

It reads the public JSON itself; nothing of the service is imported, so that a wrong reading there shows here.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.segment.oracle_of_others import OTHERS, PLACES, own_zone
from tests.segment.oracle_of_persons import Person, When
from tests.segment.oracle_of_times import TIMES, back, between_times, in_period, read_time

NEGATIVES = {"has_none": "has_any", "missing": "exists"} | {f"not_{op}": op for op in ("equals", "in", "contains")}
FITTING = {
    "not_contains": str,
    "not_equals": str | int | float | Decimal,
    "not_in": str | int | float | Decimal,
    "has_none": str | int | float | Decimal | list,
}
"""What a negative can be put to (bool is an int): of any other type it is as false as what it denies."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def is_member(definition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether a person is in."""
    if definition.get("anonymous") == "out" and not person.named:
        return False
    if "all" in definition:
        return all(is_member(part, person, when) for part in definition["all"])
    if "any" in definition:
        return any(is_member(part, person, when) for part in definition["any"])
    if "none" in definition:
        return not any(is_member(part, person, when) for part in definition["none"])
    if "trait" in definition:
        path = definition["trait"] if isinstance(definition["trait"], list) else [definition["trait"]]
        when = replace(when, zone=own_zone(definition, person, when))
        return passes(look_up(person.traits, path), definition, when, person.since.get(path[0]))
    for key, answer in OTHERS.items():
        if key in definition:
            return answer(definition, person, when)
    from tests.segment import oracle_of_events as events  # they know each other

    return events.happened(definition, person, when)


def counted(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether a person did something so often."""
    times = 0
    for name, time, properties in person.events:
        named = name.startswith(condition["did_prefix"]) if "did_prefix" in condition else name == condition["did"]
        if named and within(condition.get("window"), time, when) and filtered(condition, properties, when):
            times += 1
    return is_so_many(condition.get("count"), times)


def is_so_many(count: Mapping[str, Any] | None, times: int) -> bool:
    """Return whether a number of times is what is asked; nothing asked is at least once."""
    count = count or {"op": "gte", "n": 1}
    n = count["n"]
    if count["op"] == "between":
        return n[0] <= times <= n[1]
    return {"equals": times == n, "gte": times >= n, "gt": times > n, "lte": times <= n, "lt": times < n}[count["op"]]


def filtered(condition: Mapping[str, Any], properties: dict[str, Any], when: When, key: str = "where") -> bool:
    """Return whether an event passes every filter."""
    for each in condition.get(key, []):
        path = each["prop"] if isinstance(each["prop"], list) else [each["prop"]]
        if not passes(look_up(properties, path), each, when, None):
            return False
    return True


def within(window: Mapping[str, Any] | None, time: datetime, when: When) -> bool:
    """Return whether an event's time lies in a window; the future never does."""
    if time > when.now:
        return False
    if window is None:
        return True
    if "last" in window:
        return time >= back(when, window["last"])
    if "from" in window or "to" in window:
        begins = "from" not in window or time >= read_time(window["from"], when)[0]
        return begins and ("to" not in window or time < read_time(window["to"], when)[0])
    if "period" in window:
        return in_period(time, window["period"], window.get("offset", 0), when)
    begins = "from_ago" not in window or time >= back(when, window["from_ago"])
    return begins and time < back(when, window["to_ago"])


def look_up(values: Any, path: list[str]) -> Any:
    """Return the value at a path of literal names; null and empty text are missing (None)."""
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    return None if values == "" else values


def passes(  # noqa: C901 - the table of operators, as plain as it can be said
    value: Any, test: Mapping[str, Any], when: When, since: datetime | None
) -> bool:
    """Return whether a value passes a test."""
    op = test["op"]
    if value is not None and not isinstance(value, FITTING.get(op, object)):
        return False
    if op in NEGATIVES:
        return not passes(value, {**test, "op": NEGATIVES[op]}, when, since)
    if value is None:
        return False
    if op == "exists":
        return True
    fold = str.casefold if test.get("ignore_case") else str
    if op in PLACES:
        return PLACES[op](value, test)
    if op in TIMES:
        return isinstance(value, str) and TIMES[op](value, test, when)
    wanted = test.get("value")
    if op == "has_been":
        span = test.get("for_at_least") or test["for_less_than"]
        long = since is not None and since <= back(when, span)
        return same(value, wanted, fold) and (long if "for_at_least" in test else not long)
    if op == "equals":
        return same(value, wanted, fold)
    if op == "in":
        return any(same(value, each, fold) for each in wanted)
    if op in ("has_any", "has_all"):
        held = value if isinstance(value, list) else [value]
        asked = wanted if isinstance(wanted, list) else [wanted]
        found = [any(same(each, one, fold) for each in held) for one in asked]
        return any(found) if op == "has_any" else all(found)
    if op in ("contains", "starts_with", "ends_with", "matches"):
        return isinstance(value, str) and has_part(op, value, wanted, test)
    if op == "between" and all(isinstance(bound, str) and read_time(bound, when) for bound in wanted):
        return isinstance(value, str) and between_times(value, test, when)
    bounds = [("gte", wanted[0]), ("lte", wanted[1])] if op == "between" else [(op, wanted)]
    return all(ordered(value, sign, bound, fold) for sign, bound in bounds)


def number(value: Any) -> Decimal | None:
    """Return a number, or the number a text spells."""
    if value is None or isinstance(value, bool | list | dict):
        return None
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else None
    return Decimal(str(value))


def sides(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    """Return two numbers to be compared: exactly within Decimal(38, 10), as floats when either lies outside it."""
    left, right = number(value), number(wanted)
    if left is None or right is None:
        return None
    exact = all(abs(side) < 10**28 and side == round(side, 10) for side in (left, right))
    return (left, right) if exact else (float(left), float(right))


def same(value: Any, wanted: Any, fold: Any) -> bool:
    """Return whether two values are equal; a text and a number meet as numbers."""
    if isinstance(value, list | dict):
        return False
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool) and value == wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return bool(fold(value) == fold(wanted))
    both = sides(value, wanted)
    return both is not None and both[0] == both[1]


def ordered(value: Any, sign: str, wanted: Any, fold: Any) -> bool:
    """Return whether a value stands so to another: texts by code point, else numbers."""
    if isinstance(value, bool | list | dict):
        return False
    if isinstance(value, str) and isinstance(wanted, str):
        both = fold(value), fold(wanted)
    else:
        both = sides(value, wanted)
    if both is None:
        return False
    left, right = both
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[sign])


def has_part(op: str, value: str, wanted: str, test: Mapping[str, Any]) -> bool:
    """Return whether a text has a part, or the pattern is found in it."""
    if op == "matches":
        return re.search(wanted, value, re.IGNORECASE if test.get("ignore_case") else 0) is not None
    if test.get("ignore_case"):
        value, wanted = value.casefold(), wanted.casefold()
    return {"contains": wanted in value, "starts_with": value.startswith(wanted)}.get(op, value.endswith(wanted))
