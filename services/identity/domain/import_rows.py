"""Rows of a file read as calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from services.identity.domain.calls import Call, Refusal, is_identified, read_call
from services.identity.domain.mapping import ImportMapping, map_row

MOST_CHARACTERS = 1024 * 1024
"""What is kept of a row that cannot be written as JSON."""
MOST_BYTES = 8 * 1024 * 1024
"""What rows that are read together may weigh as JSON: the one that goes beyond it is the last of them."""


class Unreadable(NamedTuple):
    """A row of a file that cannot be read: why, and what is left of it for whoever mends it."""

    why: str
    kept: dict[str, Any]


Cells = dict[str, Any] | Unreadable
"""A row as it stood in the file."""


class MappedRow(NamedTuple):
    """A row that is a call; `cells` is the row as it stood in the file."""

    row_no: int
    message_id: str
    call: Call
    personless: bool
    cells: Cells


class BadRow(NamedTuple):
    """A row that is none: why, and its cells as JSON."""

    row_no: int
    refusal: Refusal
    cells: bytes


def as_bad(mapped: MappedRow, refusal: Refusal) -> BadRow:
    """Return a row that is a call, and one that the tracking plan holds."""
    return BadRow(mapped.row_no, refusal, _as_json(mapped.cells))


@dataclass(slots=True)
class Chunk:
    """Some consecutive rows, sorted into calls and others. `last` is the number of the last row read."""

    first: int
    last: int
    calls: list[MappedRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    @property
    def personless(self) -> int:
        """How many rows name nobody."""
        return sum(row.personless for row in self.calls)


def read_chunk(rows: Iterable[tuple[int, Cells]], mapping: ImportMapping, file_hash: str, *, after: int) -> Chunk:
    """Return the calls of some rows; each bears the id (file hash, row number), so equal rows stay apart.

    No more rows are taken from `rows` than together weigh MOST_BYTES, so memory does not grow with what is in a file.
    """
    chunk, bytes_read = Chunk(first=after + 1, last=after), 0
    for row_no, cells in rows:
        chunk.last = row_no
        read = _read(cells, mapping)
        if isinstance(read, Refusal):
            chunk.bad.append(BadRow(row_no, read, _as_json(cells)))
            bytes_read += len(chunk.bad[-1].cells)
        else:
            message_id = read.message_id or f"{file_hash[:32]}:{row_no}"
            chunk.calls.append(MappedRow(row_no, message_id, read, not is_identified(read.body), cells))
            # its cells are held beside it, until it is known whether a plan holds the row
            bytes_read += len(read.payload) + (sum(map(_weight, cells.values())) if isinstance(cells, dict) else 0)
        if bytes_read >= MOST_BYTES:
            break
    return chunk


def _weight(cell: object) -> int:
    return len(cell) if isinstance(cell, (str, bytes)) else len(str(cell))


def _read(cells: Cells, mapping: ImportMapping) -> Call | Refusal:
    if isinstance(cells, Unreadable):
        return Refusal("unreadable_row", "", cells.why)
    raw = map_row(cells, mapping)
    return raw if isinstance(raw, Refusal) else read_call(raw, personless=mapping.personless)


def _as_json(cells: Cells) -> bytes:
    value = {"unreadable": cells.why, **cells.kept} if isinstance(cells, Unreadable) else cells
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        return msgspec.json.encode({"unreadable": repr(value)[:MOST_CHARACTERS]})
