"""Rows of files that are imported: CSV, NDJSON and Parquet, plain or gzipped, read as a stream."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, cast

import msgspec

from services.identity.domain.import_rows import Cells, Unreadable
from services.identity.store.bounded_lines import LARGEST_ROW, LONGEST_LINE, BoundedLines, TooLong

if TYPE_CHECKING:
    from pyarrow import DataType, RecordBatch

Format = Literal["csv", "ndjson", "parquet"]
FileRow = tuple[int, Cells]
"""The row's number from 1, and its cells, or why they cannot be read."""

_HASHED_AT_ONCE = _READ_AT_ONCE = 1024 * 1024
_DECODED_AT_ONCE = 8 * 1024 * 1024
_PARQUET_ROWS = 64
"""Rows of Parquet that are decoded together, fewer where they are large: a file tells how large they are as encoded."""
_ODD = (csv.Error, zlib.error, ArithmeticError, LookupError, NotImplementedError, TypeError)
"""What readers of files raise besides OSError, ValueError and EOFError."""
csv.field_size_limit(LARGEST_ROW)


def format_of(name: str) -> Format | None:
    """Return the format a file's name tells."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() != ".gz"]
    known: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
    return known.get(suffixes[-1]) if suffixes else None


def file_hash(path: Path) -> str:
    """Return SHA-256 of a file's bytes, in hex: a row is known by it and its number for ever."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def read_rows(path: Path, file_format: Format, *, after: int = 0, encoding: str = "utf-8-sig") -> Iterator[FileRow]:
    """Yield the rows after the first `after`; a row that cannot be read comes with its reason and what is left of it.

    Raises OSError, ValueError or EOFError where the file itself cannot be read (on).
    """
    readers = {"csv": _csv, "ndjson": _ndjson}
    rows = _parquet(path) if file_format == "parquet" else readers[file_format](path, encoding)
    return islice(enumerate(_told(rows), 1), after, None)


def _told(rows: Iterator[Cells]) -> Iterator[Cells]:
    while True:
        try:
            row = next(rows, None)
        except _ODD as error:
            raise ValueError(str(error) or type(error).__name__) from error
        if row is None:
            return
        yield row


def _distinct(names: Iterable[str]) -> list[str]:
    """Return names of columns, one that comes again with its number: none of two cells may be lost."""
    found: dict[str, None] = {}
    numbers: dict[str, Iterator[int]] = {}
    for name in names:
        told = name if name not in found else next(
            # each name counts on: a million equal ones are told apart in a million steps
            other for number in numbers.setdefault(name, count(2)) if (other := f"{name} ({number})") not in found
        )  # fmt: skip
        found[told] = None
    return list(found)


def count_rows(path: Path, file_format: Format, encoding: str = "utf-8-sig") -> int:
    """Return how many rows a file has."""
    return sum(1 for _ in read_rows(path, file_format, encoding=encoding))


def _text(path: Path, encoding: str) -> IO[str]:
    # Undecodable bytes are carried to the row they stand in, which alone is refused.
    if path.suffix.lower() == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline=""))
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _csv(path: Path, encoding: str) -> Iterator[Cells]:
    with _text(path, encoding) as file:
        lines = BoundedLines(file, quoted=True)
        reader = csv.reader(lines)
        header = _header(reader)
        if header is None:
            return
        while True:
            lines.begin_row()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except TooLong as error:
                yield Unreadable(str(error), {"text": error.began})
                continue
            except csv.Error as error:
                yield Unreadable(f"this is no CSV row: {error}", {})
                continue
            if not cells:
                continue
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
            else:
                yield _ragged(cells, header)


def _header(reader: Iterator[list[str]]) -> list[str] | None:
    try:
        names = next(reader, None)
    except TooLong as error:
        raise ValueError(f"the names of its columns have more than {LONGEST_LINE} characters") from error
    return names if names is None else _distinct(names)


def _ragged(cells: list[str], header: list[str]) -> Unreadable:
    names = _distinct([*header, *(f"column {number}" for number in range(len(header) + 1, len(cells) + 1))])
    kept = dict(zip(names, cells, strict=False))
    return Unreadable(f"the row has {len(cells)} cells, the header {len(header)}", {"cells": kept})


def _ndjson(path: Path, encoding: str) -> Iterator[Cells]:
    with _text(path, encoding) as file:
        lines = BoundedLines(file)
        while True:
            lines.begin_row()
            try:
                line = next(lines)
            except StopIteration:
                return
            except TooLong as error:
                yield Unreadable(str(error), {"text": error.began})
                continue
            if line.strip():
                yield _json_row(line)


def _json_row(line: str) -> Cells:
    try:
        row = msgspec.json.decode(line.encode())
    except (UnicodeEncodeError, RecursionError, msgspec.MsgspecError) as error:
        return Unreadable(f"this line is no JSON: {error}", {"text": line})
    return row if isinstance(row, dict) else Unreadable("this line is no JSON object", {"text": line})


def _parquet(path: Path) -> Iterator[Cells]:
    from pyarrow import parquet  # noqa: PLC0415 - it would cost every start 0.3 s, and few processes import

    # With a buffer a column is read on by pages; without one all that a row group has of it is read first.
    with parquet.ParquetFile(path, buffer_size=_READ_AT_ONCE) as file:
        for group in range(file.metadata.num_row_groups):
            told = file.metadata.row_group(group)
            rows = _rows_within(told.total_byte_size, told.num_rows, _PARQUET_ROWS)
            for batch in file.iter_batches(batch_size=rows, row_groups=[group]):
                yield from _rows_of(batch)


def _rows_within(size: int, rows: int, most: int) -> int:
    """Return how many of rows of one size together have no more than _DECODED_AT_ONCE bytes."""
    return min(most, max(1, _DECODED_AT_ONCE * rows // max(size, 1)))


def _rows_of(batch: "RecordBatch") -> Iterator[Cells]:
    known = _as_python_knows(batch)
    # What a file tells of its size is as it is encoded: a value that comes again and again is told once.
    step = _rows_within(known.nbytes, known.num_rows, known.num_rows)
    for position in range(0, known.num_rows, step):
        part = known.slice(position, step)
        try:
            rows = part.to_pylist()
        except (ValueError, *_ODD):
            rows = [_parquet_row(part, each) for each in range(part.num_rows)]
        yield from rows


def _parquet_row(batch: "RecordBatch", position: int) -> Cells:
    """Return one row of a batch of which some cannot be read: a date in the year 30,000 is no date of Python's."""
    kept, why = {}, ""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            kept[name] = column[position].as_py()
        except (ValueError, *_ODD) as error:
            why = why or f"{name}: {error}"
    return Unreadable(f"a cell cannot be read: {why}", {"cells": kept}) if why else kept


def _as_python_knows(batch: "RecordBatch") -> "RecordBatch":
    """Return a batch with distinct names, times in microseconds, and zones, which may be of any name, as UTC."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    def known(kind: "DataType") -> "DataType":
        if pa.types.is_timestamp(kind):
            return pa.timestamp("us" if kind.unit == "ns" else kind.unit, tz="UTC" if kind.tz else None)
        return pa.duration("us") if pa.types.is_duration(kind) and kind.unit == "ns" else kind

    columns = [
        column if (to := known(column.type)) == column.type else column.cast(to, safe=False) for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=_distinct(batch.schema.names))
