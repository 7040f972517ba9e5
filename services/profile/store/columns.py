"""Rows -> one array a column, as `unnest` takes them."""

from collections.abc import Collection, Sequence
from typing import Any


def columns(names: Sequence[str], rows: Collection[Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the rows as named arrays."""
    arrays = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return dict(zip(names, arrays, strict=True))
