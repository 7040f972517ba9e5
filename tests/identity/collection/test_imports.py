"""Files are taken in the background: mapped, once, resumable, and reconciled to what was in them."""

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.identity.jobs import run_imports
from services.identity.usecases import advance_import as advance
from tests.identity.collection.conftest import Door
from tests.identity.collection.importing import run_to_end, start

ORDERS = {
    "event": {"constant": "Ordered"},
    "userId": {"column": "customer", "as": "text"},
    "timestamp": {"column": "at", "zone": "Asia/Shanghai"},
    "properties": {"price": {"column": "price", "as": "number"}, "key": {"template": "{customer}-{price}"}},
    "personless": True,
}


def write_csv(path: Path, rows: Iterable[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["customer", "at", "price", "note"], *rows])
    return path


async def bodies(door: Door) -> list[dict[str, Any]]:
    sealer = door.runtime.sealer(door.workspace.workspace_id)
    rows = await door.rows("select payload from event_log order by message_id")
    return [msgspec.json.decode(sealer.open(row["payload"])) for row in rows]


async def test_a_csv_is_mapped_and_its_bad_rows_are_listed(door: Door) -> None:
    write_csv(door.import_dir / "a.csv", [
        ["c1", "2020-01-02 08:00", "2.50", "x"],
        ["", "2020-01-02 08:00", "3.10", "x"],
        ["c2", "tomorrow", "3", "x"],
        ["c3", "2020-01-02", "=cheap", "x"],
        ["c4", "2020-01-02", "1"],
    ])  # fmt: skip
    made = await start(door, path="a.csv", mapping=ORDERS)
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
    told = {name: done[name] for name in ("state", "total_rows", "rows", "accepted", "quarantined", "personless")}
    assert told == {
        "state": "done", "total_rows": 5, "rows": 5, "accepted": 2, "quarantined": 3, "personless": 1
    }  # fmt: skip
    logged = await door.rows("select event_time, imported, live, kind from event_log order by message_id")
    assert logged[0]["event_time"].isoformat() == "2020-01-02T00:00:00+00:00"
    assert all(row["imported"] and not row["live"] for row in logged)
    errors = await door.ask("GET", f"/v1/imports/{made['import_id']}/errors")
    lines = [json.loads(line) for line in errors.text.splitlines()]
    assert {(line["row"], line["reason"], line["pointer"]) for line in lines} == {
        (3, "not_a_time", "/at"),
        (4, "not_a_number", "/price"),
        (5, "unreadable_row", ""),
    }
    table = (await door.ask("GET", f"/v1/imports/{made['import_id']}/errors?as=csv")).text
    assert len(list(csv.reader(table.splitlines()))) == 4
    counts = await door.counts()
    assert counts["posted"] == counts["accepted"] + counts["quarantined"] == 5


async def test_equal_lines_stay_apart_and_the_same_file_again_changes_nothing(door: Door) -> None:
    line = ["c1", "2020-01-02", "2", "x"]
    write_csv(door.import_dir / "a.csv", [line, line])
    for accepted, duplicate in ((2, 0), (0, 2)):
        made = await start(door, path="a.csv", mapping=ORDERS)
        await run_to_end(door)
        done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
        assert (done["accepted"], done["duplicate"]) == (accepted, duplicate)


async def test_a_dry_run_says_what_would_change_and_changes_nothing(door: Door) -> None:
    write_csv(door.import_dir / "a.csv", [["c1", "2020-01-02", "2", "x"], ["", "no", "2", "x"], ["", "", "2", "x"]])
    spec = {"source_id": door.server.source_id, "path": "a.csv", "mapping": ORDERS, "dry_run": True}
    preview = (await door.ask("POST", "/v1/imports", json=spec)).json()
    told = {name: preview[name] for name in ("rows", "new", "already_there", "quarantined", "personless")}
    assert told == {"rows": 3, "new": 2, "already_there": 0, "quarantined": 1, "personless": 1}
    assert preview["names"] == {"Ordered": 2}
    assert preview["calls"][0]["call"]["userId"] == "c1"
    assert preview["bad"][0]["row"] == 2
    assert await door.rows("select 1 from event_log") == []
    await start(door, path="a.csv", mapping=ORDERS)
    await run_to_end(door)
    again = (await door.ask("POST", "/v1/imports", json=spec)).json()
    assert (again["new"], again["already_there"]) == (0, 2)


async def test_an_upload_is_taken_and_ndjson_rows_are_calls_as_they_stand(door: Door) -> None:
    rows = [{"type": "track", "event": "E", "userId": f"u{n}", "messageId": f"m{n}"} for n in range(3)]
    text = "\n".join([*(json.dumps(row) for row in rows), "{broken", "[]", ""])
    spec = json.dumps({"source_id": door.server.source_id, "live": True})
    files = {"file": ("events.ndjson.gz", gzip.compress(text.encode()))}
    made = await door.ask("POST", "/v1/imports", data={"spec": spec}, files=files)
    assert made.status_code == 202, made.text
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made.json()['import_id']}")).json()
    assert (done["state"], done["accepted"], done["quarantined"]) == ("done", 3, 2)
    assert {row["message_id"] for row in await door.rows("select message_id, live from event_log where live")} == {
        "m0", "m1", "m2",
    }  # fmt: skip


async def test_parquet_keeps_its_types(door: Door) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"customer": ["c1", "c2"], "at": ["2020-01-02", "2020-01-03"], "price": [1.25, None], "n": [7, 8]})
    parquet.write_table(table, door.import_dir / "a.parquet")
    await start(door, path="a.parquet", mapping={**ORDERS, "rest": True})
    await run_to_end(door)
    first, second = await bodies(door)
    assert first["properties"] == {"n": 7, "price": 1.25, "key": "c1-1.25"}
    assert second["properties"] == {"n": 8, "key": "c2-"}


@pytest.mark.parametrize("crash_after", [0, 1, 2])
async def test_a_crash_between_rows_and_checkpoint_doubles_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch, crash_after: int
) -> None:
    monkeypatch.setattr(run_imports, "CHUNK_ROWS", 10)
    write_csv(door.import_dir / "a.csv", [[f"c{n}", "2020-01-02", str(n), "x"] for n in range(45)])
    made = await start(door, path="a.csv", mapping=ORDERS)
    calls = 0
    count = advance.source_counters.add_counts

    async def dies(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > crash_after:
            raise KeyboardInterrupt
        await count(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(advance.source_counters, "add_counts", dies)
        with pytest.raises(KeyboardInterrupt):
            await run_imports.run(door.runtime)
    run_imports._readers.clear()
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{made['import_id']}")).json()
    assert (done["state"], done["accepted"], done["duplicate"]) == ("done", 45, 0)
    assert (await door.rows("select count(*)::int as n from event_log"))[0]["n"] == 45
    assert (await door.counts())["posted"] == 45


async def test_an_import_can_be_stopped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_imports, "CHUNK_ROWS", 1)
    monkeypatch.setattr(run_imports, "CHUNKS_A_ROUND", 1)
    write_csv(door.import_dir / "a.csv", [[f"c{n}", "2020-01-02", "1", "x"] for n in range(5)])
    made = await start(door, path="a.csv", mapping=ORDERS)
    await run_imports.run(door.runtime)
    stopped = await door.ask("POST", f"/v1/imports/{made['import_id']}/stop")
    assert (stopped.json()["state"], stopped.json()["rows"]) == ("stopped", 1)
    assert await run_imports.run(door.runtime) == 0
    assert (await door.ask("POST", f"/v1/imports/{made['import_id']}/stop")).status_code == 409


@pytest.mark.parametrize(
    ("spec", "status", "pointer"),
    [
        ({"path": "../settings.py"}, 404, None),
        ({"path": "/etc/passwd"}, 404, None),
        ({"path": "none.csv"}, 404, None),
        ({}, 422, "/path"),
        ({"path": "a.csv", "source_id": 999_999}, 422, "/source_id"),
        ({"path": "a.csv", "mapping": {"userId": {}}}, 422, "/mapping/userId"),
        ({"path": "a.csv", "mapping": {"timestamp": {"column": "at", "zone": "Mars/One"}}}, 422, "/mapping/timestamp"),
        ({"path": "a.csv", "mapping": {"shoe": {}}}, 422, "/mapping"),
        ({"path": "a.csv", "format": "parquet"}, 422, "/file"),
        ({"path": "a.txt"}, 422, "/format"),
    ],
)
async def test_what_cannot_be_imported_is_refused(door: Door, spec: Any, status: int, pointer: str | None) -> None:
    write_csv(door.import_dir / "a.csv", [])
    write_csv(door.import_dir / "a.txt", [])
    answer = await door.ask("POST", "/v1/imports", json={"source_id": door.server.source_id, **spec})
    assert answer.status_code == status, answer.text
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_imports_are_listed_newest_first_page_by_page(door: Door) -> None:
    write_csv(door.import_dir / "a.csv", [])
    made = [(await start(door, path="a.csv"))["import_id"] for _ in range(3)]
    first = (await door.ask("GET", "/v1/imports?limit=2")).json()
    rest = (await door.ask("GET", f"/v1/imports?limit=2&cursor={first['next_cursor']}")).json()
    assert [item["import_id"] for item in [*first["items"], *rest["items"]]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_imports_wait_while_the_resolver_is_behind(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_imports, "BACKLOG_ROWS", 1)
    write_csv(door.import_dir / "a.csv", [["c1", "2020-01-02", "1", "x"]])
    await door.post("track", {"event": "E", "userId": "u"})
    await start(door, path="a.csv", mapping=ORDERS)
    assert await run_imports.run(door.runtime) == 0
