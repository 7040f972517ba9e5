"""Rows of files that are imported: CSV, NDJSON and Parquet, plain or gzipped, read as a stream."""

import csv
import gzip
import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, cast

import msgspec

Format = Literal["csv", "ndjson", "parquet"]
FileRow = tuple[int, dict[str, Any] | str]
"""The row's number from 1, and its cells, or why they cannot be read."""

LONGEST_LINE = 1024 * 1024
_HASHED_AT_ONCE = 1024 * 1024


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
    """Yield the rows after the first `after`; a row that cannot be read comes with its reason."""
    readers = {"csv": _csv, "ndjson": _ndjson}
    rows = _parquet(path) if file_format == "parquet" else readers[file_format](path, encoding)
    return islice(enumerate(rows, 1), after, None)


def count_rows(path: Path, file_format: Format, encoding: str = "utf-8-sig") -> int:
    """Return how many rows a file has."""
    return sum(1 for _ in read_rows(path, file_format, encoding=encoding))


def _text(path: Path, encoding: str) -> IO[str]:
    # Undecodable bytes are carried to the row they stand in, which alone is refused.
    if path.suffix.lower() == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding=encoding, errors="surrogateescape", newline=""))
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _csv(path: Path, encoding: str) -> Iterator[dict[str, Any] | str]:
    with _text(path, encoding) as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            return
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"this is no CSV row: {error}"
                continue
            if not cells:
                continue
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
            else:
                yield f"the row has {len(cells)} cells, the header {len(header)}"


def _ndjson(path: Path, encoding: str) -> Iterator[dict[str, Any] | str]:
    with _text(path, encoding) as file:
        while line := file.readline(LONGEST_LINE):
            if not line.strip():
                continue
            yield _json_row(line)


def _json_row(line: str) -> dict[str, Any] | str:
    try:
        row = msgspec.json.decode(line.encode())
    except (UnicodeEncodeError, RecursionError, msgspec.MsgspecError) as error:
        return f"this line is no JSON: {error}"
    return row if isinstance(row, dict) else "this line is no JSON object"


def _parquet(path: Path) -> Iterator[dict[str, Any] | str]:
    from pyarrow import parquet  # noqa: PLC0415 - it would cost every start 0.3 s, and few processes import

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=2_000):
            yield from batch.to_pylist()
