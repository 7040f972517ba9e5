"""Events added up by person in arrays: person numbers are dense, so that a place in an array is found by counting."""

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.segment.domain.total import Total
from services.segment.domain.values import DECIMAL_PLACES
from services.segment.store.bitmaps import bitmap_where, is_sparse

_SIGNS: Mapping[str, Callable[[NDArray[np.integer], int], NDArray[np.bool_]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LARGEST = 2**63


class TooLarge(ArithmeticError):
    """Some total may not fit its number."""


class Totals:
    """What each person's events come to: their number, or the sum of what each is worth in 10^-10."""

    def __init__(self, persons: NDArray[np.int32], worth: NDArray[np.int64] | None = None) -> None:
        self._known: NDArray[np.int32] | None = None
        places: NDArray[np.signedinteger] = persons
        if len(persons) and is_sparse(persons):
            self._known, places = np.unique(persons, return_inverse=True)
        self._scale = 1 if worth is None else 10**DECIMAL_PLACES
        if worth is None:
            self._sums: NDArray[np.integer] = np.zeros(int(places.max(initial=0)) + 1, np.uint32)
            np.add.at(self._sums, places, np.uint32(1))
            return
        furthest = max(abs(int(worth.max(initial=0))), abs(int(worth.min(initial=0))))
        if furthest * len(worth) >= _LARGEST and furthest * int(np.bincount(places).max()) >= _LARGEST:
            raise TooLarge
        self._sums = np.zeros(int(places.max(initial=0)) + 1, np.int64)
        np.add.at(self._sums, places, worth)

    def meeting(self, total: Total) -> BitMap:
        """Return the persons whose total stands in the relations, or those of whom it does not."""
        held = meeting(self._sums, total, scale=self._scale)
        return bitmap_where(held) if self._known is None else BitMap(self._known[held].astype(np.uint32))


def meeting(sums: NDArray[np.integer], total: Total, *, scale: int = 1) -> NDArray[np.bool_]:
    """Tell of each sum, in so many parts of 1, whether it stands in the relations, or does not where that is asked."""
    held: NDArray[np.bool_] | None = None
    for sign, to in total.relations:
        scaled = Fraction(to) * scale
        if scaled.denominator != 1:
            raise TooLarge
        stands = _SIGNS[sign](sums, scaled.numerator)
        held = stands if held is None else held & stands
    if held is None:
        raise ValueError("a total is compared with something")
    return ~held if total.negated else held
