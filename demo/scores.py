"""How well people were recognised, and what the interval of a difference is: plain arithmetic."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from world.scores import Tally, tally


@dataclass(frozen=True)
class PairScore:
    """Pairwise comparison of a partition with the truth (Hernández and Stolfo's pairs of records)."""

    precision: float
    recall: float
    wrong_pairs: int
    missed_pairs: int

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def _compared(found: Mapping[Hashable, Hashable], truth: Mapping[Hashable, Hashable]) -> Tally:
    return tally((found[item], human, "") for item, human in truth.items() if item in found)


def score_pairs(found: Mapping[Hashable, Hashable], truth: Mapping[Hashable, Hashable]) -> PairScore:
    """Compare `found` (item -> cluster) with `truth` (item -> human) over the items of `truth` that were found."""
    counted = _compared(found, truth)
    return PairScore(
        precision=counted.pairwise.precision,
        recall=counted.pairwise.recall,
        wrong_pairs=counted.said - counted.together,
        missed_pairs=counted.true - counted.together,
    )


def wrongly_merged(found: Mapping[Hashable, Hashable], truth: Mapping[Hashable, Hashable]) -> int:
    """Return how many found persons hold identifiers of more than one human."""
    return _compared(found, truth).mixed_persons


@dataclass(frozen=True)
class Difference:
    """A difference of two shares with its 95 % interval (Newcombe's hybrid score method, 1998, method 10)."""

    value: float
    low: float
    high: float

    def covers(self, number: float) -> bool:
        """Return whether the interval holds a number."""
        return self.low <= number <= self.high


def _wilson(successes: int, trials: int) -> tuple[float, float]:
    z = 1.959963984540054
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return middle - half, middle + half


def difference(treated: tuple[int, int], control: tuple[int, int]) -> Difference:
    """Return treated minus control, each given as (successes, trials)."""
    share_treated = treated[0] / treated[1] if treated[1] else 0.0
    share_control = control[0] / control[1] if control[1] else 0.0
    low_treated, high_treated = _wilson(*treated)
    low_control, high_control = _wilson(*control)
    value = share_treated - share_control
    low = value - math.sqrt((share_treated - low_treated) ** 2 + (high_control - share_control) ** 2)
    high = value + math.sqrt((high_treated - share_treated) ** 2 + (share_control - low_control) ** 2)
    return Difference(value, low, high)
