"""How sets of persons overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyroaring import BitMap


@dataclass(frozen=True)
class Overlap:
    """Pairwise counts, whom each set has before all later ones, everybody, and how many are in 1, 2 ... sets."""

    counts: list[list[int]]
    first: list[int]
    persons: int
    in_how_many: list[int]


def overlap_of(sets: Sequence[BitMap]) -> Overlap:
    """Compare sets of persons, given in the order of their priority."""
    counts = [[0] * len(sets) for _ in sets]
    for row, one in enumerate(sets):
        counts[row][row] = len(one)
        for column in range(row):
            counts[row][column] = counts[column][row] = one.intersection_cardinality(sets[column])
    # at_least[n]: who is in more than n of the sets seen so far
    at_least = [BitMap() for _ in sets]
    first = []
    for number, one in enumerate(sets):
        first.append(len(one - at_least[0]))
        for n in range(number, 0, -1):
            at_least[n] |= at_least[n - 1] & one
        at_least[0] |= one
    sizes = [len(one) for one in at_least] + [0]
    return Overlap(counts, first, sizes[0] if sets else 0, [sizes[n] - sizes[n + 1] for n in range(len(sets))])
