"""Columns of a batch as PostgreSQL's text form of an array: `:numbers::text::int[]` in the statement.

Of each element of a list the driver asks whether it is an array itself, which costs more than all else about a number.
"""

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """Return numbers, or truth values, as one text."""
    return "{" + ",".join(map(str, values)) + "}"
