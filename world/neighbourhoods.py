"""The world, neighbourhood by neighbourhood: memory stays flat however many humans there are."""

from collections.abc import Iterator
from dataclasses import dataclass

from world.arrivals import Arrival, arrivals
from world.people import life
from world.shape import NEIGHBOURHOOD, WORLD, Shape
from world.truth import Truth, truth_of


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Some hundred humans: what arrives of them, in order of arrival, and who they are. Nothing links two of these."""

    arrivals: list[Arrival]
    truth: list[Truth]


def neighbourhoods(persons: int, seed: int, shape: Shape = WORLD) -> Iterator[Neighbourhood]:
    """Yield a world of `persons` humans; the first ones are the same however many follow."""
    for first in range(0, persons, NEIGHBOURHOOD):
        lives = [life(seed, number, shape) for number in range(first, min(first + NEIGHBOURHOOD, persons))]
        come = [one for each in lives for one in arrivals(seed, each, shape)]
        come.sort(key=lambda one: (one.received_at, one.number))
        yield Neighbourhood(come, truth_of(lives))
