"""A file may have any number of rows, and rows of any size: what is in memory of it is bounded."""

import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from services.identity.domain import import_rows
from services.identity.domain.import_rows import read_chunk
from services.identity.domain.mapping import ImportMapping
from services.identity.jobs import run_imports
from services.identity.store.row_files import Format, count_rows, read_rows
from tests.identity.collection.conftest import Door
from tests.identity.collection.importing import run_to_end, start

MIB = 1024 * 1024


def calls(number: int, size: int = 200) -> str:
    call = {"type": "track", "event": "Ordered", "userId": f"u{number}", "properties": {"note": "x" * size}}
    return json.dumps(call) + "\n"


def read_to_end(path: Path, file_format: Format, rows: int) -> list[int]:
    """Read a file as an import does, dropping each chunk; return how many rows each had."""
    found, last, reader = [], 0, read_rows(path, file_format)
    while True:
        chunk = read_chunk(islice(reader, rows), ImportMapping(), "hash", after=last)
        if chunk.last == last:
            return found
        found.append(len(chunk.calls) + len(chunk.bad))
        last = chunk.last


def peak_of(work: Callable[[], object]) -> float:
    """Return how much memory something took at most, in MiB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows_of_a_file(tmp_path: Path) -> None:
    peaks = []
    for rows in (1_000, 4_000):
        path = tmp_path / f"{rows}.ndjson"
        path.write_text("".join(map(calls, range(rows))))
        assert read_to_end(path, "ndjson", 500) == [500] * (rows // 500), "this also warms what is made once"
        peaks.append(peak_of(lambda path=path: read_to_end(path, "ndjson", 500)))
    assert peaks[1] < peaks[0] * 1.2 + 0.2, peaks


def test_rows_that_are_large_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.ndjson"
    path.write_text("".join(calls(number, 900_000) for number in range(20)))
    together = read_to_end(path, "ndjson", run_imports.CHUNK_ROWS)
    assert sum(together) == 20 and max(together) <= import_rows.MOST_BYTES // 900_000 + 1
    assert peak_of(lambda: read_to_end(path, "ndjson", run_imports.CHUNK_ROWS)) < 6 * import_rows.MOST_BYTES / MIB


@pytest.mark.parametrize("work", [lambda path: count_rows(path, "csv"), lambda path: read_to_end(path, "csv", 2_000)])
def test_a_file_without_lines_does_not_fill_the_memory(tmp_path: Path, work: Any) -> None:
    path = tmp_path / "one.csv"
    path.write_text("userId,note\nu1,x\n" + "xxxxxxxxx," * MIB + "\nu2,y\n")
    assert peak_of(lambda: work(path)) < 80, "some fifty, of two lines of a hundred thousand cells"


def test_a_row_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("userId,note\nu1,x\n" + '"xxxxxxx\n",' * MIB)
    with pytest.raises(ValueError, match="a row has more than 4194304 characters"):
        count_rows(path, "csv")


async def test_what_is_large_and_what_is_not_are_all_taken(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_rows, "MOST_BYTES", 10_000)
    sizes = [200, 6_000, 200, 200, 40_000, 200, 20_000, 5_000, 6_000, 200]
    text = "".join(calls(number, size) for number, size in enumerate(sizes))
    (door.import_dir / "mixed.ndjson").write_text(text)
    made = await start(door, path="mixed.ndjson")
    dry = await door.ask(
        "POST", "/v1/imports", json={"source_id": door.server.source_id, "path": "mixed.ndjson", "dry_run": True}
    )
    assert (dry.json()["rows"], dry.json()["new"], dry.json()["quarantined"]) == (10, 9, 1)
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
    assert (done["state"], done["rows"], done["accepted"], done["quarantined"]) == ("done", 10, 9, 1)
