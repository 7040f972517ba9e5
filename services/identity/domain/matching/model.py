"""A model of how likely two records are one person: Fellegi and Sunter's, with Splink's adjustment by frequency."""

from collections.abc import Mapping
from math import exp2, log2
from typing import Any, Literal

import msgspec

from services.identity.domain.matching.preparing import FieldKind, Prepared
from services.identity.domain.matching.similarity import days_apart, jaro_winkler, levenshtein

Test = Literal["exact", "jaro_winkler", "levenshtein", "days", "else"]


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One outcome of a comparison: how often it is seen among pairs that match (`m`) and that do not (`u`).

    `jaro_winkler` is at least the threshold, `levenshtein` and `days` at most. With `by_frequency` a rare value weighs
    more than a common one.
    """

    label: str
    test: Test
    m: float
    u: float
    column: str = ""
    threshold: float = 0.0
    by_frequency: bool = False


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is compared of two records; the first level that holds counts, and nothing does where a value is missing."""

    name: str
    levels: tuple[Level, ...]


class MatchModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained model: the odds of any two records, what is compared, which pairs are looked at, and frequencies.

    `blocking` lists columns that have to be equal, all of one entry together. `frequencies` gives the share of records
    with a value, by column. From a match weight of `threshold` on a pair is suggested when persons change.
    """

    prior: float
    fields: dict[str, FieldKind]
    comparisons: tuple[Comparison, ...]
    blocking: tuple[tuple[str, ...], ...]
    frequencies: dict[str, dict[str, float]] = {}
    threshold: float = 4.0

    def unfit(self) -> str | None:
        """Return what makes the model unusable, None when nothing does."""
        if not 0 < self.prior < 1:
            return "prior is a probability"
        for comparison in self.comparisons:
            if any(not (0 < level.m <= 1 and 0 < level.u <= 1) for level in comparison.levels):
                return f"m and u of {comparison.name} are probabilities above 0"
            if not comparison.levels or comparison.levels[-1].test != "else":
                return f"the last level of {comparison.name} is else"
        return None


class Step(msgspec.Struct, frozen=True):
    """What one comparison adds to the match weight: by its outcome, and by how rare the value is."""

    comparison: str
    outcome: str
    weight: float
    frequency_weight: float = 0.0


class Score(msgspec.Struct, frozen=True):
    """The match weight of a pair (log2 of the odds that it is one person), and what it is the sum of."""

    weight: float
    waterfall: tuple[Step, ...]

    @property
    def probability(self) -> float:
        """Return the probability that the pair is one person."""
        return 1 / (1 + exp2(-min(max(self.weight, -1000.0), 1000.0)))


def score(one: Prepared, other: Prepared, model: MatchModel) -> Score:
    """Return the match weight of two prepared records; equal to Splink's for the same parameters and frequencies."""
    steps = [Step("prior", "any two records", log2(model.prior / (1 - model.prior)))]
    steps += [_compared(one, other, comparison, model.frequencies) for comparison in model.comparisons]
    return Score(sum(step.weight + step.frequency_weight for step in steps), tuple(steps))


def _compared(
    one: Prepared, other: Prepared, comparison: Comparison, frequencies: Mapping[str, Mapping[str, float]]
) -> Step:
    if one.get(comparison.name) is None or other.get(comparison.name) is None:
        return Step(comparison.name, "missing", 0.0)
    for level in comparison.levels:
        if holds(level, one.get(level.column or comparison.name), other.get(level.column or comparison.name)):
            rare = 0.0
            if level.by_frequency:
                share = frequencies.get(comparison.name, {}).get(str(one[comparison.name]))
                rare = log2(level.u / share) if share else 0.0
            return Step(comparison.name, level.label, log2(level.m / level.u), rare)
    return Step(comparison.name, "none", 0.0)


def holds(level: Level, one: str | None, other: str | None) -> bool:
    """Return whether two values are as alike as a level says."""
    if level.test == "else":
        return True
    if one is None or other is None:
        return False
    if level.test == "exact":
        return one == other
    if level.test == "jaro_winkler":
        return jaro_winkler(one, other) >= level.threshold
    if level.test == "levenshtein":
        return levenshtein(one, other) <= level.threshold
    return days_apart(one, other) <= level.threshold


def waterfall_of(scored: Score) -> list[dict[str, Any]]:
    """Return what a score is the sum of, without any value of the two."""
    return [msgspec.structs.asdict(step) for step in scored.waterfall]
