"""Rows of Parquet are decoded a few at a time, fewer where they are large, however small they are in the file."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from services.identity.store import row_files
from services.identity.store.row_files import read_rows

MIB = 1024 * 1024


def read_and_count(path: Path) -> tuple[list[Any], int]:
    """Return of a file's rows who bought, and how many bytes were decoded at most at a time."""
    before, counting = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counting)
    try:
        return [
            row["customer"] for _, row in read_rows(path, "parquet") if isinstance(row, dict)
        ], counting.max_memory()
    finally:
        pa.set_memory_pool(before)


def customers(rows: int) -> list[str]:
    return [f"c{number}" for number in range(rows)]


def test_a_value_that_comes_again_and_again_is_not_decoded_as_often(tmp_path: Path) -> None:
    note = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), pa.array(["x" * MIB]))
    table = pa.table({"customer": customers(400), "note": note})
    parquet.write_table(table, tmp_path / "a.parquet", store_schema=False)
    found, most = read_and_count(tmp_path / "a.parquet")
    assert found == customers(400)
    assert most < 200 * MIB, most


def test_large_rows_are_decoded_a_few_at_a_time(tmp_path: Path) -> None:
    table = pa.table({"customer": customers(120), "note": [f"{number:08}" * (MIB // 8) for number in range(120)]})
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=False, write_batch_size=1)
    found, most = read_and_count(tmp_path / "a.parquet")
    assert found == customers(120)
    assert most < 60 * MIB, most


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_every_row_comes_once_whatever_is_decoded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(row_files, "_DECODED_AT_ONCE", size)
    names = pa.array([[{"a": number}] for number in range(301)])
    table = pa.table({"customer": customers(301), "bought": names, "on": pa.array([0, 2**30] * 150 + [1], pa.date32())})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=77)
    rows = list(read_rows(tmp_path / "a.parquet", "parquet", after=3))
    assert [number for number, _ in rows] == list(range(4, 302))
    told = [row.kept["cells"] if isinstance(row, row_files.Unreadable) else row for _, row in rows]
    assert [(one["customer"], one["bought"]) for one in told] == [(f"c{n}", [{"a": n}]) for n in range(3, 301)]


def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"customer": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert not list(read_rows(tmp_path / "a.parquet", "parquet"))
