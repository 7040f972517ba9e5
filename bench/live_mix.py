"""For benches: 300 live segments as brands have them, in the mix of docs and bars; each event concerns 30 and more."""

from typing import Any

NAMES = [f"event {number}" for number in range(20)]
CITIES = [f"city {number}" for number in range(50)]
TAGS = [f"tag {number}" for number in range(20)]
WINDOWS = ("1 minute", "1 hour", "1 day", "7 days", "30 days", "45 days")
Body = dict[str, Any]


def the_mix(one_in: int = 1) -> tuple[list[Body], list[list[int]]]:
    """Return 280 definitions, and for each of 20 more the positions of those it is built of by in_segment.

    `one_in` n leaves every n-th of each.
    """
    plain = [*_traits(), *_windowed(), *_aggregates(), *_sequences()]
    windowed = range(100, 220)
    built = [[windowed[(number * 6 + step) % 120] for step in (0, 45, 91)] for number in range(20)]
    return plain[::one_in], [[part // one_in for part in parts] for parts in built[::one_in]]


def built_of(ids: list[str]) -> Body:
    """Return the definition of a segment built of three others."""
    return {"all": [{"any": [{"in_segment": one} for one in ids[:2]]}, {"not_in_segment": ids[2]}]}


def _traits() -> list[Body]:
    cities = [{"trait": "city", "op": "in", "value": [CITIES[(n + k) % 50] for k in range(3)]} for n in range(40)]
    ages = [{"trait": "age", "op": "between", "value": [n, n + 15]} for n in range(10, 50)]
    tags = [{"trait": "tags", "op": "has_any", "value": [TAGS[n], TAGS[(n + 7) % 20]]} for n in range(20)]
    return [*cities, *ages, *tags]


def _windowed() -> list[Body]:
    """Each name in each window; so often, and something else done or not done."""
    found = []
    for number in range(120):
        window = {"last": WINDOWS[number // 20]}
        often = {"did": NAMES[number % 20], "count": {"op": "gte", "n": 1 + (number + number // 20) % 4}}
        others = [{"did": NAMES[(number + step) % 20], "window": window} for step in (3, 11)]
        found.append({"all": [{**often, "window": window}, {"none": others[:1]}, {"none": others[1:]}]})
    return found


def _aggregates() -> list[Body]:
    found = []
    for number in range(40):
        name, other = NAMES[number % 20], NAMES[(number + 5) % 20]
        window = {"last": WINDOWS[2 + number % 4]}
        spent = {"aggregate": ("sum", "avg", "max", "distinct")[number % 4], "event": name, "prop": "amount"}
        least = 2 if number % 4 == 3 else 80
        found.append(
            {"all": [{**spent, "op": "gte", "value": least, "window": window}, {"did": other, "window": window}]}
        )
    return found


def _sequences() -> list[Body]:
    found = []
    for number in range(20):
        steps = [{"event": NAMES[(number + step) % 20]} for step in (0, 1, 2)]
        found.append(
            {
                "sequence": steps, "same": "product", "max_gap": "2 days", "window": {"last": WINDOWS[3 + number % 3]},
                "without": [{"event": NAMES[(number + 9) % 20]}],
            }
        )  # fmt: skip
    return found
