"""What a file says of identifiers, as columns that grow row by row: who is named with whom, and who alone."""

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from services.identity.domain.columns import EPOCH, Ints
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import pairs
from services.identity.domain.policy import PolicySet

MICROSECOND = timedelta(microseconds=1)


class Sayings:
    """Imported facts by the numbers of their identifiers: 25 bytes a pair and 12 one that is named alone."""

    def __init__(self) -> None:
        self.low, self.high, self.row = array("i"), array("i"), array("i")
        self.at, self.basis = array("q"), array("B")
        self.alone, self.alone_at = array("i"), array("q")
        self.bases: list[str | None] = [None]

    def add(self, said: Evidence, numbers: Sequence[int], row_no: int, policies: PolicySet) -> None:
        """Take in evidence; `numbers` are those of its identifiers, in their order."""
        where: dict[Identifier, int] = dict(zip(said.identifiers, numbers, strict=True))
        at = (said.effective_time - EPOCH) // MICROSECOND
        basis = self._coded(said.consent_basis)
        linked: set[int] = set()
        for one, other in pairs(said, policies):
            low, high = sorted((where[one], where[other]))
            linked.update((low, high))
            self.low.append(low)
            self.high.append(high)
            self.row.append(row_no)
            self.at.append(at)
            self.basis.append(basis)
        for number in numbers:
            if number not in linked:
                self.alone.append(number)
                self.alone_at.append(at)

    def _coded(self, basis: str | None) -> int:
        if basis not in self.bases:
            self.bases.append(basis)
        return self.bases.index(basis)

    def columns(self) -> tuple[Ints, Ints, Ints]:
        """Return the pairs as (low, high) and the newest time in microseconds since 1970 of each, every pair once."""
        key = _ints(self.low) << 32 | _ints(self.high)
        order = np.argsort(key, kind="stable")
        key, at = key[order], _ints(self.at)[order]
        if not len(key):
            return key, key, at
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        found = key[first]
        return found >> 32, found & 0xFFFF_FFFF, np.maximum.reduceat(at, first)


def instant(microseconds: int) -> datetime:
    """Return the instant so many microseconds after the beginning of 1970."""
    return EPOCH + microseconds * MICROSECOND


def _ints(column: "array[int]") -> Ints:
    return np.array(column, dtype=np.int64)
