"""A definition as and / or / not over sets of persons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal
from uuid import UUID

from pyroaring import BitMap


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


Formula = Atom | Members | Not | All | AnyOf
NOBODY = AnyOf(())
EVERYBODY = All(())


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
            case Not(inner):
                return universe - of(inner)
            case All(inner):
                return reduce(lambda left, right: left & right, map(of, inner), universe)
            case AnyOf(inner):
                return reduce(lambda left, right: left | right, map(of, inner), BitMap())

    return of(formula)


def holds(formula: Formula, true_atoms: frozenset[int], member_of: Callable[[Members], bool]) -> bool:
    """Return whether the formula holds for one person."""
    match formula:
        case Atom(number):
            return number in true_atoms
        case Members():
            return member_of(formula)
        case Not(inner):
            return not holds(inner, true_atoms, member_of)
        case All(inner):
            return all(holds(part, true_atoms, member_of) for part in inner)
        case AnyOf(inner):
            return any(holds(part, true_atoms, member_of) for part in inner)
