"""In which orders the events of a sample case may come."""

import random
from collections.abc import Iterable
from typing import Any

SHUFFLES = 3


def stops(case: dict[str, Any]) -> list[int]:
    """Return after how many events a case asks something, in order."""
    return sorted({expected["after"] for expected in case["expect"]})


def segments(case: dict[str, Any]) -> list[list[int]]:
    """Return the positions of the events between one question of a case and the next."""
    ends = stops(case)
    return [list(range(begin, end)) for begin, end in zip([0, *ends], ends, strict=False)]


def with_repeats(chance: random.Random, order: list[int]) -> list[int]:
    """Return an order in which every third event or so comes again, at once or later."""
    repeated = list(order)
    for position in order:
        if chance.random() < 0.35:
            repeated.insert(chance.randint(repeated.index(position) + 1, len(repeated)), position)
    return repeated


def orders_of(case: dict[str, Any]) -> dict[str, list[int]]:
    """Return the orders a case is played in, by name: lists of positions in its events, some with repeats.

    What a case asks on its way is about the events so far, so these never pass a question: each segment between two
    questions is turned and shuffled in itself. What it asks at its end is about all of them: `whole` orders mix them
    as they like and may meet the last question alone. No order comes twice.
    """
    parts = segments(case)
    whole = _joined(parts)
    found = {"given": whole, "turned": _joined(part[::-1] for part in parts), "whole turned": whole[::-1]}
    for seed in range(SHUFFLES):
        chance = random.Random(f"{case['id']} {seed}")
        found[f"shuffled {seed}"] = _joined(with_repeats(chance, chance.sample(part, len(part))) for part in parts)
        found[f"whole shuffled {seed}"] = with_repeats(chance, chance.sample(whole, len(whole)))
    found |= {f"delivered {number}": list(order) for number, order in enumerate(case.get("deliveries", ()))}
    single = len(parts) == 1
    once: dict[tuple[int, ...], str] = {}
    for name, order in found.items():
        if not (single and name.startswith("whole")):
            once.setdefault(tuple(order), name)
    return {name: list(order) for order, name in once.items()}


def _joined(parts: Iterable[list[int]]) -> list[int]:
    return [position for part in parts for position in part]
