"""How well a partition matches the truth: pairwise and B-cubed, from one table of counts."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, fields


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        return _harmonic(self.precision, self.recall)


@dataclass(slots=True)
class Tally:
    """Counts of items by (found person, human), from which every score follows; tallies of parts add up.

    `together` counts pairs of items that are rightly in one person, `said` those that are in one, `true` those that
    should be. Persons and humans of two tallies that are added must not overlap.
    """

    items: int = 0
    persons: int = 0
    humans: int = 0
    together: int = 0
    said: int = 0
    true: int = 0
    precision_sum: float = 0.0
    recall_sum: float = 0.0
    mixed_persons: int = 0
    """Found persons that hold items of more than one human."""
    mixed_humans: int = 0
    """Humans one of whose items is in a person together with another human's."""
    split_humans: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    """Items outside their human's main person (the one with most of what should be together), by cause."""

    def add(self, other: "Tally") -> None:
        """Take in the counts of another part of the world."""
        for part in fields(self):
            if part.name != "missed":
                setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))
        self.missed.update(other.missed)

    @property
    def pairwise(self) -> Score:
        """Compare pairs of items (Hernández and Stolfo)."""
        return Score(
            self.together / self.said if self.said else 1.0,
            self.together / self.true if self.true else 1.0,
        )

    @property
    def b_cubed(self) -> Score:
        """Compare item by item (Bagga and Baldwin): the mean over items of how pure and how whole their person is."""
        return Score(
            self.precision_sum / self.items if self.items else 1.0,
            self.recall_sum / self.items if self.items else 1.0,
        )

    @property
    def wrong_per_million(self) -> float:
        """Return how many of a million found persons hold items of more than one human."""
        return 1e6 * self.mixed_persons / self.persons if self.persons else 0.0


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def tally(items: Iterable[tuple[Hashable, Hashable, str]]) -> Tally:
    """Count items given as (found person, human, cause if it is missed)."""
    listed = list(items)
    cells = Counter((person, human) for person, human, _ in listed)
    persons = Counter(person for person, _, _ in listed)
    humans = Counter(human for _, human, _ in listed)
    expected = Counter((person, human) for person, human, cause in listed if not cause)
    main: dict[Hashable, tuple[int, int, Hashable]] = {}
    parts: Counter[Hashable] = Counter()
    mixed: Counter[Hashable] = Counter()
    for (person, human), count in cells.items():
        parts[human] += 1
        mixed[person] += 1
        weight = expected[person, human], count, person
        if human not in main or weight[:2] > main[human][:2]:
            main[human] = weight
    return Tally(
        items=len(listed),
        persons=len(persons),
        humans=len(humans),
        together=sum(map(_pairs, cells.values())),
        said=sum(map(_pairs, persons.values())),
        true=sum(map(_pairs, humans.values())),
        precision_sum=sum(count * count / persons[person] for (person, _), count in cells.items()),
        recall_sum=sum(count * count / humans[human] for (_, human), count in cells.items()),
        mixed_persons=sum(count > 1 for count in mixed.values()),
        mixed_humans=len({human for person, human in cells if mixed[person] > 1}),
        split_humans=sum(count > 1 for count in parts.values()),
        missed=Counter(cause or "refused" for person, human, cause in listed if main[human][2] != person),
    )
