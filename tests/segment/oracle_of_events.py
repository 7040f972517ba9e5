"""The oracle's part about what persons did, and in which order, how regularly, how much."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.segment.oracle import Person, When, back, counted, filtered, is_so_many, look_up, number, within

Done = tuple[datetime, dict[str, Any]]
SIGNS = {
    "equals": lambda left, right: left == right,
    "not_equals": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "between": lambda left, right: right[0] <= left <= right[1],
}


def happened(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether a condition about events holds."""
    for key, answer in KINDS.items():
        if key in condition:
            return bool(answer(condition, person, when))
    return counted(condition, person, when)


def done(name: str, condition: Mapping[str, Any], person: Person, when: When, *, window: Any = None) -> list[Done]:
    """Return (time, properties) of the events, in order; those of one instant as they came in."""
    found = [
        (time, properties)
        for event, time, properties in person.events
        if event == name and within(window, time, when) and filtered(condition, properties, when)
    ]
    return sorted(found, key=lambda each: each[0])


def since(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether so many events came after the last of others."""
    window = dict(condition["window"])
    other = window.pop("since")
    other = {"event": other} if isinstance(other, str) else other
    those = {id(each) for each in _raw(other["event"], other, person, when, None)}
    these = {id(each) for each in _raw(condition["did"], condition, person, when, window or None)}
    told = sorted(person.events, key=lambda each: each[1])
    places = [place for place, each in enumerate(told) if id(each) in those]
    times = sum(1 for place, each in enumerate(told) if places and place > places[-1] and id(each) in these)
    return is_so_many(condition.get("count"), times)


def _raw(name: str, condition: Mapping[str, Any], person: Person, when: When, window: Any) -> list[Any]:
    return [
        each
        for each in person.events
        if each[0] == name and within(window, each[1], when) and filtered(condition, each[2], when)
    ]


def did(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether a person did something so often."""
    if "since" in condition.get("window", {}):
        return since(condition, person, when)
    return counted(condition, person, when)


def outer_time(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether the first, or the last, time ever lies where it is asked to."""
    key = "first_time" if "first_time" in condition else "last_time"
    times = [time for time, _ in done(condition[key], condition, person, when)]
    if not times:
        return False
    time = times[0] if key == "first_time" else times[-1]
    if "more_than_ago" in condition:
        return time < back(when, condition["more_than_ago"])
    return within(condition.get("window"), time, when)


def outer_event(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether the first, or the last, event has the properties."""
    key = "first_event" if "first_event" in condition else "last_event"
    events = done(condition[key], condition, person, when, window=condition.get("window"))
    return bool(events) and filtered(condition, events[0 if key == "first_event" else -1][1], when, "has")


def spans(when: When, span: str, times: int) -> datetime:
    """Return the instant several spans before now."""
    count, unit = span.split()
    return back(when, f"{int(count) * times} {unit}")


def regularly(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether enough of the periods counted back from now have enough events."""
    times = [time for time, _ in done(condition["regularly"], condition, person, when)]
    held = 0
    for period in range(condition["periods"]):
        newest = spans(when, condition["period"], period)
        oldest = spans(when, condition["period"], period + 1)
        inside = [time for time in times if oldest <= time and (time < newest or period == 0)]
        held += is_so_many(condition.get("count"), len(inside))
    return held >= condition.get("at_least", condition["periods"])


def stopped(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether the last time was in the window before the quiet one."""
    times = [time for time, _ in done(condition["stopped"], condition, person, when)]
    quiet = back(when, condition["quiet"])
    far = back(when, condition["did_within"]) if "did_within" in condition else None
    return any(far is None or time >= far for time in times) and all(time < quiet for time in times)


def restarted(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether there were events before the quiet time, and after it, and none in it."""
    times = [time for time, _ in done(condition["restarted"], condition, person, when)]
    first, last = back(when, condition["quiet_from"]), back(when, condition["quiet_to"])
    return (
        any(time < first for time in times)
        and any(time >= last for time in times)
        and not any(first <= time < last for time in times)
    )


def aggregate(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Return whether a property's sum, average, least, greatest or number of different values is as asked."""
    events = done(condition["event"], condition, person, when, window=condition.get("window"))
    path = condition["prop"] if isinstance(condition["prop"], list) else [condition["prop"]]
    function, wanted = condition["aggregate"], condition["value"]
    bounds = [Decimal(str(each)) for each in wanted] if isinstance(wanted, list) else Decimal(str(wanted))
    if function == "distinct":
        held = [look_up(properties, path) for _, properties in events]
        found = {identity(value) for value in held if value is not None and not isinstance(value, list | dict)}
        return bool(SIGNS[condition["op"]](Decimal(len(found)), bounds))
    amounts = [(number(look_up(properties, path)), properties) for _, properties in events]
    given = [(amount, properties) for amount, properties in amounts if amount is not None]
    values = converted(condition, path, given)
    if values is None or (not values and function != "sum"):
        return False
    total = sum(values, Decimal(0))
    if function == "avg":
        many = isinstance(bounds, list)
        bounds = [each * len(values) for each in bounds] if many else bounds * len(values)  # type: ignore[union-attr]
        return bool(SIGNS[condition["op"]](total, bounds))
    found_one = {"sum": lambda: total, "min": lambda: min(values), "max": lambda: max(values)}[function]()
    return bool(SIGNS[condition["op"]](found_one, bounds))


def identity(value: Any) -> Any:
    """Return what a value is counted as: a number and a text that spells it are one."""
    if isinstance(value, bool):
        return ("boolean", value)
    spelled = number(value)
    return ("text", value) if spelled is None else ("number", spelled)


def converted(condition: Mapping[str, Any], path: list[str], given: list[Any]) -> list[Decimal] | None:
    """Return the amounts in one currency; None where that cannot be."""
    beside = condition.get("currency", [*path[:-1], "currency"])
    beside = beside if isinstance(beside, list) else [beside]
    codes = [look_up(properties, beside) for _, properties in given]
    codes = [code.casefold() if isinstance(code, str) else "" for code in codes]
    rates = {code.casefold(): Decimal(str(rate)) for code, rate in condition.get("convert", {}).items()}
    if not rates:
        return [amount for amount, _ in given] if len(set(codes)) <= 1 else None
    if any(code not in rates for code in codes):
        return None
    return [amount * rates[code] for (amount, _), code in zip(given, codes, strict=True)]


def sequence(condition: Mapping[str, Any], person: Person, when: When) -> bool:
    """Try every way to pick one event after the other."""
    told = [each for each in person.events if within(condition.get("window"), each[1], when)]
    told.sort(key=lambda each: each[1])
    if "same" not in condition:
        return way(condition, told, when)
    path = condition["same"] if isinstance(condition["same"], list) else [condition["same"]]
    apart: dict[Any, list[Any]] = {}
    for each in told:
        value = look_up(each[2], path)
        if value is not None and not isinstance(value, list | dict):
            apart.setdefault(identity(value), []).append(each)
    return any(way(condition, same, when) for same in apart.values())


def way(condition: Mapping[str, Any], told: list[Any], when: When) -> bool:
    """Return whether the steps can be walked through these events, in order."""
    steps = condition["sequence"]

    def fits(event: Any, step: Mapping[str, Any]) -> bool:
        return bool(event[0] == step["event"]) and filtered(step, event[2], when)

    def on(place: int, step: int) -> bool:
        """Return whether the rest can be walked from the event at `place`, which made `step`."""
        if step == len(steps) - 1:
            return True
        gap = steps[step + 1].get("within", condition.get("max_gap"))
        for later in range(place + 1, len(told)):
            near = gap is None or told[later][1] - told[place][1] <= length(gap)
            if near and fits(told[later], steps[step + 1]) and on(later, step + 1):
                return True
            if any(fits(told[later], absent) for absent in condition.get("without", [])):
                return False
        return False

    return any(fits(event, steps[0]) and on(place, 0) for place, event in enumerate(told))


def length(span: str) -> timedelta:
    """Return an exact length of time."""
    count, unit = span.split()
    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    return timedelta(seconds=int(count) * seconds[unit.rstrip("s")])


KINDS = {
    "did": did,
    "first_time": outer_time,
    "last_time": outer_time,
    "first_event": outer_event,
    "last_event": outer_event,
    "regularly": regularly,
    "stopped": stopped,
    "restarted": restarted,
    "aggregate": aggregate,
    "sequence": sequence,
}
