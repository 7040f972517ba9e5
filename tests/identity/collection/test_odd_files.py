"""Files as they come: damaged, ragged, of types Python does not know. Nothing is lost, nothing blocks the others."""

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from services.identity.domain.import_rows import Unreadable
from services.identity.domain.mapping import ImportMapping, map_row
from services.identity.jobs import run_imports
from services.identity.store.row_files import LONGEST_LINE, read_rows
from tests.identity.collection.conftest import Door
from tests.identity.collection.importing import run_to_end, start
from tests.identity.collection.test_imports import bodies

MAPPING = {
    "event": {"constant": "Ordered"}, "userId": {"column": "customer", "as": "text"}, "rest": True,
}  # fmt: skip


async def errors(door: Door, import_id: str) -> list[dict[str, Any]]:
    answer = await door.ask("GET", f"/v1/imports/{import_id}/errors")
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("route", ["imports", "imports/previews"])
async def test_a_file_that_is_damaged_is_refused_with_its_reason(door: Door, route: str) -> None:
    whole = gzip.compress(b"customer,note\n" + random.Random(7).randbytes(20_000).hex().encode())
    damaged = whole[:300] + b"\xff" * 200 + whole[500:]
    (door.import_dir / "damaged.csv.gz").write_bytes(damaged)
    (door.import_dir / "wide.csv").write_text("a" * (LONGEST_LINE + 10) + "\n1\n")
    for name in ("damaged.csv.gz", "wide.csv"):
        spec = {"source_id": door.server.source_id, "path": name, "mapping": MAPPING}
        answer = await door.ask("POST", f"/v1/{route}", json=spec)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/file"


async def test_a_pattern_that_is_none_refuses_rows_and_not_the_import(door: Door) -> None:
    (door.import_dir / "a.csv").write_text("customer,at\nc1,2020\n")
    mapping = {**MAPPING, "timestamp": {"column": "at", "pattern": "%Y %Y"}}
    spec = {"source_id": door.server.source_id, "path": "a.csv", "mapping": mapping}
    tried = await door.ask("POST", "/v1/imports", json={**spec, "dry_run": True})
    assert (tried.status_code, tried.json().get("reasons")) == (200, {"not_a_time": 1})


async def test_an_import_that_cannot_be_taken_fails_and_the_next_one_is_taken(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (door.import_dir / f"{name}.csv").write_text(f"customer\n{name}\n")
    first = await start(door, path="a.csv", mapping=MAPPING)
    second = await start(door, path="b.csv", mapping=MAPPING)
    honest = run_imports.advance_import

    async def fails(tx: Any, **arguments: Any) -> Any:
        if arguments["row"].file_name == "a.csv":
            raise AssertionError("never mind which")
        return await honest(tx, **arguments)

    monkeypatch.setattr(run_imports, "advance_import", fails)
    await run_to_end(door)
    states = [(await door.ask("GET", f"/v1/imports/{one['import_id']}")).json() for one in (first, second)]
    assert [(one["state"], one["accepted"]) for one in states] == [("failed", 0), ("done", 1)]
    assert states[0]["why"] == "its rows after 0 cannot be taken: AssertionError; the log says more"


async def test_rows_that_cannot_be_read_are_kept_whole_and_mended(door: Door) -> None:
    (door.import_dir / "a.csv").write_text("customer,price\nc1\nc2,3,4,5\nc3,1\n")
    made = await start(door, path="a.csv", mapping=MAPPING)
    await run_to_end(door)
    found = await errors(door, made["import_id"])
    assert {one["row"]: one["cells"]["cells"] for one in found} == {
        1: {"customer": "c1"}, 2: {"customer": "c2", "price": "3", "column 3": "4", "column 4": "5"},
    }  # fmt: skip
    held = (await door.ask("GET", "/v1/identity/quarantine")).json()["items"]
    ids = [one["quarantine_id"] for one in held]
    again = (await door.ask("POST", "/v1/identity/quarantine/replay", json={"ids": ids})).json()
    assert {one["reason"] for one in again["still_held"]} == {"no_such_column"}, "nobody looked at them yet"
    mend = {"ids": ids, "move": {"/cells/customer": "/customer", "/cells/column 4": "/price"}}
    mend["remove"] = ["/cells", "/unreadable"]
    mended = (await door.ask("POST", "/v1/identity/quarantine/replay", json=mend)).json()
    assert list(mended["outcomes"].values()) == ["accepted"] * 2
    assert {body["userId"]: body["properties"] for body in await bodies(door)} == {
        "c1": {}, "c2": {"price": "5"}, "c3": {"price": "1"},
    }  # fmt: skip


async def test_a_line_that_is_no_json_is_kept_as_it_stood(door: Door) -> None:
    lines = [b'{"customer": "c1"', b'["c2"]', b'{"customer": "\xff"}']
    (door.import_dir / "a.ndjson").write_bytes(b"\n".join(lines))
    made = await start(door, path="a.ndjson", mapping=MAPPING)
    await run_to_end(door)
    kept = {one["row"]: one["cells"] for one in await errors(door, made["import_id"])}
    assert [kept[1]["text"], kept[2]["text"]] == ['{"customer": "c1"\n', '["c2"]\n']
    assert "\\udcff" in kept[3]["unreadable"]


async def test_columns_of_one_name_are_all_kept(door: Door) -> None:
    (door.import_dir / "a.csv").write_text("customer,note,note,,\nc1,x,y,z,\n")
    await start(door, path="a.csv", mapping=MAPPING)
    await run_to_end(door)
    [body] = await bodies(door)
    assert body["properties"] == {"note": "x", "note (2)": "y", "": "z"}


NANOSECOND = pa.array([1_577_930_400_000_000_001, 1_577_930_400_000_000_000], pa.timestamp("ns"))
BEYOND = pa.array([0, 2**30], pa.date32())


def rows_of(path: Path, **columns: Any) -> list[Any]:
    parquet.write_table(pa.table(columns), path)
    return [row for _, row in read_rows(path, "parquet")]


def test_times_of_parquet_are_read_to_the_microsecond_in_any_zone(tmp_path: Path) -> None:
    zoned = NANOSECOND.cast(pa.timestamp("ns", tz="Foo/Bar"))
    rows = rows_of(tmp_path / "a.parquet", at=NANOSECOND, zoned=zoned, took=pa.array([1500, 2], pa.duration("ns")))
    assert rows[0]["at"] == datetime(2020, 1, 2, 2)  # noqa: DTZ001 - the file tells no zone
    assert rows[0]["zoned"] == datetime(2020, 1, 2, 2, tzinfo=UTC)
    assert all(isinstance(map_row(row, ImportMapping()), bytes) for row in rows)


def test_a_cell_that_python_does_not_know_costs_its_row_alone(tmp_path: Path) -> None:
    first, second = rows_of(tmp_path / "a.parquet", customer=["c1", "c2"], day=BEYOND)
    assert (first["customer"], str(first["day"])) == ("c1", "1970-01-01")
    assert isinstance(second, Unreadable)
    assert second.kept == {"cells": {"customer": "c2"}}


@given(st.lists(st.sampled_from(["a", "a (2)", "", "b"]), min_size=1, max_size=8))
def test_no_cell_is_lost_whatever_the_columns_are_called(tmp_path_factory: Any, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("files") / "a.csv"
    path.write_text(",".join(f'"{name}"' for name in names) + "\n" + ",".join(map(str, range(len(names)))) + "\n")
    [(_, row)] = read_rows(path, "csv")
    assert list(row.values()) == [str(number) for number in range(len(names))]
