"""Whom an answer can matter to: in an `all`, only those for whom what stands beside it holds."""

from collections.abc import Iterable, Mapping
from functools import reduce

from pyroaring import BitMap

from services.segment.domain.formula import All, AnyOf, Atom, Drawn, Formula, Members, Not

Beside = frozenset[int]


def beside_each(formulas: Iterable[Formula]) -> dict[int, Beside]:
    """Return, per question, those that hold for everybody its own answer can matter to, wherever it stands.

    If some questions are answered in full, each other one may be answered for those alone for whom all of the former
    that stand beside it hold, and anyhow for everybody else: every formula holds for the same persons.
    """
    found: dict[int, Beside] = {}
    for formula in formulas:
        _walk(formula, frozenset(), found)
    return {number: beside - {number} for number, beside in found.items()}


def matters_to(questions: Iterable[int], beside: Mapping[int, Beside], known: Mapping[int, BitMap]) -> BitMap | None:
    """Return for whom the answers to some questions matter, where others are known in full; None for everybody."""
    matters = BitMap()
    for number in questions:
        deciding = [known[other] for other in beside.get(number, ()) if other in known]
        if not deciding:
            return None
        matters |= reduce(BitMap.__and__, deciding)
    return matters


def _walk(formula: Formula, beside: Beside, found: dict[int, Beside]) -> None:
    match formula:
        case Atom(number):
            found[number] = found.get(number, beside) & beside
        case Not(inner):
            _walk(inner, beside, found)
        case AnyOf(parts):
            for part in parts:
                _walk(part, beside, found)
        case All(parts):
            sure = [_sure(part) for part in parts]
            for place, part in enumerate(parts):
                others = sure[:place] + sure[place + 1 :]
                _walk(part, beside.union(*others), found)
        case Members() | Drawn():
            pass


def _sure(formula: Formula) -> Beside:
    """Return the questions that hold for everybody the formula holds for."""
    match formula:
        case Atom(number):
            return frozenset((number,))
        case All(parts):
            return frozenset().union(*map(_sure, parts))
        case AnyOf(parts) if parts:
            return reduce(frozenset.__and__, map(_sure, parts))
        case _:
            return frozenset()
