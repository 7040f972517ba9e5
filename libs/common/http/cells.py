"""Cells of CSV files that people open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")


def harmless(value: str) -> str:
    """Return the cell as text: one that begins like a formula, also behind spaces, would be run by a spreadsheet."""
    return f"'{value}" if value[:1] in _FORMULA or value.lstrip()[:1] in _FORMULA else value


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows of harmless cells as CSV (RFC 4180, UTF-8)."""
    out = io.StringIO()
    csv.writer(out).writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue().encode()
