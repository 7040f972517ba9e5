"""A line that is too long costs its row alone: its tail is no row, and what comes after it is read."""

import csv
import gzip
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.identity.domain.import_rows import Unreadable
from services.identity.store import bounded_lines
from services.identity.store.row_files import read_rows

MIB = 1024 * 1024
LONG = "x" * (MIB + 100)


def read(path: Path, text: str, name: str) -> list[Any]:
    """Return a file's rows as they are numbered, of what cannot be read the reason."""
    (path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    rows = read_rows(path / name, "ndjson" if "ndjson" in name else "csv")
    return [(number, row.why if isinstance(row, Unreadable) else row) for number, row in rows]


def too_long(line: int, last: int = 0) -> str:
    to = f" and its row goes on to line {last}" if last else ""
    return f"line {line} has more than 1048576 characters{to}; how its row began is kept"


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize(
    ("tail", "last"),
    [
        pytest.param(",u9", 0, id="a tail that is as wide as a row"),
        pytest.param(',"a\nu9,b\n"', 5, id="lines within quotes that the long line opened"),
        pytest.param(',"' + "y" * MIB + '""\nu9,b"', 4, id="quotes that are written within quotes"),
        pytest.param(',"' + LONG + "\n" + LONG + '\nu9,b\n"', 6, id="several long lines within quotes"),
        pytest.param(',b"', 0, id="a quote that opens nothing"),
    ],
)
def test_the_tail_of_a_row_with_a_long_line_is_no_row(tmp_path: Path, tail: str, last: int, name: str) -> None:
    rows = read(tmp_path, f"user,note\nu1,x\n{LONG}{tail}\nu2,y\n", name)
    assert rows == [(1, {"user": "u1", "note": "x"}), (2, too_long(3, last)), (3, {"user": "u2", "note": "y"})]


def test_a_long_line_in_the_midst_of_a_row_costs_all_of_it(tmp_path: Path) -> None:
    rows = read(tmp_path, f'user,note\nu1,"a\n{LONG}\nu9,b\n"\nu2,y\n', "a.csv")
    assert rows == [(1, too_long(3, 5)), (2, {"user": "u2", "note": "y"})]


def test_a_field_of_many_lines_is_one_field(tmp_path: Path) -> None:
    note = "u9,a line of a note\n" * 100_000
    rows = read(tmp_path, f'user,note\nu1,"{note}"\nu2,y\n', "a.csv")
    assert rows == [(1, {"user": "u1", "note": note}), (2, {"user": "u2", "note": "y"})]


def test_a_line_of_just_the_length_is_read(tmp_path: Path) -> None:
    head, longest = "user,note\n", f"u1,{'x' * (MIB - 4)}"
    assert [type(row) for _, row in read(tmp_path, f"{head}{longest}\nu2,y", "a.csv")] == [dict, dict]
    assert [type(row) for _, row in read(tmp_path, f"{head}{longest}", "a.csv")] == [dict]
    rows = read(tmp_path, f"{head}{longest}x\nu2,y", "a.csv")
    assert rows == [(1, too_long(2)), (2, {"user": "u2", "note": "y"})]


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
def test_the_tail_of_a_long_line_of_json_is_no_row(tmp_path: Path, name: str) -> None:
    text = '{"userId": "u1"}\n' + LONG[:MIB] + '{"userId": "u9"}\n\n{"userId": "u2"}'
    assert read(tmp_path, text, name) == [(1, {"userId": "u1"}), (2, too_long(2)), (3, {"userId": "u2"})]


def test_how_the_row_began_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f'user,note\nu1,"a\n{LONG}\nb"\n')
    (tmp_path / "b.csv").write_text(f"user,note\nu1,{LONG}\n")
    kept = [row for name in ("a.csv", "b.csv") for _, row in read_rows(tmp_path / name, "csv")]
    assert [one.kept for one in kept if isinstance(one, Unreadable)] == [
        {"text": 'u1,"a\n'}, {"text": f"u1,{LONG}"[:65_536]},
    ]  # fmt: skip


def test_memory_does_not_grow_with_a_line(tmp_path: Path) -> None:
    peaks = []
    for name, times in (("a.csv", 4), ("b.csv", 24)):
        (tmp_path / name).write_text("user,note\n" + 'u1,"x",' * (times * MIB // 7) + "\nu2,y\n")
        tracemalloc.start()
        assert [number for number, _ in read_rows(tmp_path / name, "csv")] == [1, 2]
        peaks.append(tracemalloc.get_traced_memory()[1] / MIB)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1 and peaks[1] < 16, peaks


@given(st.text('a,"\n\r', max_size=60), st.sampled_from(["", "a", "\n", '"']))
@example('aaaaaaa,"a\naaa"\na', "")
@example('"aaaaaaaa""\naaaaaaaaaaaa"a,"\na', "\n")
def test_rows_are_as_a_reader_without_limits_has_them(tmp_path_factory: Any, text: str, end: str) -> None:
    # an end of two characters that the limit parts is an end and an empty line, which is no row but has a number
    limit, text = 5, re.sub("\r\n+", "\r", f"h\n{text}{end}")
    path = tmp_path_factory.mktemp("files") / "a.csv"
    path.write_bytes(text.encode())
    wanted = [row for row in rows_without_limits(path, limit) if row]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded_lines, "LONGEST_LINE", limit)
        rows = [row for _, row in read_rows(path, "csv")]
    found = [told(row) for row in rows]
    assert found == wanted


def told(row: Any) -> Any:
    """Return the cells of a row, or the number of the line that was too long."""
    if not isinstance(row, Unreadable):
        return list(row.values())
    return list(row.kept["cells"].values()) if "cells" in row.kept else int(row.why.split()[1])


def rows_without_limits(path: Path, limit: int) -> Iterator[Any]:
    """Yield rows as csv has them, and for one with a line beyond the limit the number of the first such line."""
    with path.open(newline="") as file:
        lines = file.readlines()
    reader = csv.reader(lines)
    next(reader)
    while True:
        before = reader.line_num
        row = next(reader, None)
        if row is None:
            return
        long = [number for number in range(before, reader.line_num) if len(lines[number]) > limit]
        yield long[0] + 1 if long else row
