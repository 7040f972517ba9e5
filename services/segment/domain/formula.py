"""A definition as and / or / not over sets of persons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal
from uuid import UUID

from pyroaring import BitMap

from services.segment.domain.draw import drawn


@dataclass(frozen=True, slots=True)
class Atom:
    """The persons one question to the columnar store holds for, by its number in the statement."""

    number: int


@dataclass(frozen=True, slots=True)
class Members:
    """The members of another segment, or the persons on this one's manual lists."""

    segment_id: UUID
    which: Literal["members", "include", "exclude"] = "members"


@dataclass(frozen=True, slots=True)
class Not:
    """Everybody else."""

    inner: "Formula"


@dataclass(frozen=True, slots=True)
class All:
    """Who is in all of them; all of none is everybody."""

    inner: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Who is in any of them; any of none is nobody."""

    inner: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The persons whose draw under a salt lies in [low, high), of a million."""

    salt: str
    low: int
    high: int


Formula = Atom | Members | Not | All | AnyOf | Drawn
NOBODY = AnyOf(())
EVERYBODY = All(())


def atoms_in(formula: Formula) -> set[int]:
    """Return the numbers of the questions a formula is made of."""
    match formula:
        case Atom(number):
            return {number}
        case Members() | Drawn():
            return set()
        case Not(inner):
            return atoms_in(inner)
        case All(parts) | AnyOf(parts):
            return set().union(*map(atoms_in, parts))


def evaluate(
    formula: Formula, *, atoms: Sequence[BitMap], universe: BitMap, members: Callable[[Members], BitMap]
) -> BitMap:
    """Return the persons of `universe` the formula holds for; `atoms` and `members` may hold others too."""

    def of(part: Formula) -> BitMap:
        match part:
            case Atom(number):
                return atoms[number] & universe
            case Members():
                return members(part) & universe
            case Drawn(salt, low, high):
                return drawn(universe, salt, low, high)
            case Not(inner):
                return universe - of(inner)
            case All(inner):
                return reduce(lambda left, right: left & right, map(of, inner), universe)
            case AnyOf(inner):
                return reduce(lambda left, right: left | right, map(of, inner), BitMap())

    return of(formula)
