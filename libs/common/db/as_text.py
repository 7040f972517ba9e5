"""Columns of a batch as PostgreSQL's text form of an array: `:numbers::text::int[]` in the statement.

Of each element of a list the driver asks whether it is an array itself, which costs more than all else about a number.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime


def numbers(values: Iterable[int]) -> str:
    """Return numbers, or truth values, as one text."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Sequence[str | None]) -> str:
    """Return texts as one; for columns of few different ones."""
    quoted = {one: "NULL" if one is None else _quoted(one) for one in set(values)}
    return "{" + ",".join([quoted[one] for one in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Instants:
    """Instants of some columns, each sent once: the columns hold their places in `listed`, from 1 on."""

    def __init__(self) -> None:
        self._places: dict[datetime, int] = {}

    def column(self, values: Sequence[datetime | None]) -> str | None:
        """Return a column of places, None where there is no instant at all."""
        if values and values[0] is None and values.count(None) == len(values):
            return None
        places = self._places
        named = [
            "NULL" if one is None else str(places.get(one) or places.setdefault(one, len(places) + 1)) for one in values
        ]
        return "{" + ",".join(named) + "}"

    @property
    def listed(self) -> list[datetime]:
        """The instants, in the order of their places."""
        return list(self._places)
