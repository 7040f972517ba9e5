"""An import that failed or was stopped goes on where it ended, while its file is there."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.identity.jobs import run_imports, sweep_uploads
from services.identity.usecases import advance_import as advance
from tests.identity.collection.conftest import Door
from tests.identity.collection.importing import run_to_end, start
from tests.identity.collection.test_imports import ORDERS, write_csv

ROWS = 45


def lines(n: int = ROWS) -> list[list[str]]:
    return [[f"c{number}", "2020-01-02", str(number), "x"] for number in range(n)]


async def failed(door: Door, monkeypatch: pytest.MonkeyPatch, import_id: str, after: int = 2) -> dict[str, Any]:
    """Run an import until its rows cannot be taken, some chunks on."""
    calls, count = 0, advance.source_counters.add_counts

    async def fails(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise ArithmeticError("an unknown defect")
        await count(*arguments)

    monkeypatch.setattr(run_imports, "CHUNK_ROWS", 10)
    with monkeypatch.context() as patch:
        patch.setattr(advance.source_counters, "add_counts", fails)
        await run_to_end(door)
    found: dict[str, Any] = (await door.ask("GET", f"/v1/imports/{import_id}")).json()
    assert (found["state"], found["rows"]) == ("failed", 10 * after) and "ArithmeticError" in found["why"]
    return found


async def resumed(door: Door, import_id: str) -> tuple[int, str]:
    answer = await door.ask("POST", f"/v1/imports/{import_id}/resume")
    told = answer.json()
    return answer.status_code, told.get("state") or told["type"].rpartition(":")[2]


async def assert_all_taken_once(door: Door, import_id: str) -> None:
    done = (await door.ask("GET", f"/v1/imports/{import_id}")).json()
    told = {name: done[name] for name in ("state", "rows", "accepted", "duplicate", "quarantined", "why")}
    assert told == {"state": "done", "rows": ROWS, "accepted": ROWS, "duplicate": 0, "quarantined": 0, "why": ""}
    assert (await door.rows("select count(*)::int as n from event_log"))[0]["n"] == ROWS
    assert (await door.counts())["posted"] == ROWS


async def test_one_that_failed_goes_on_after_its_last_row(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(door.import_dir / "a.csv", lines())
    import_id = (await start(door, path="a.csv", mapping=ORDERS))["import_id"]
    await failed(door, monkeypatch, import_id)
    assert await resumed(door, import_id) == (200, "waiting")
    assert await resumed(door, import_id) == (409, "not_over")
    await run_to_end(door)
    await assert_all_taken_once(door, import_id)
    assert await resumed(door, import_id) == (409, "not_over")


async def test_one_that_was_stopped_goes_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_imports, "CHUNK_ROWS", 10)
    monkeypatch.setattr(run_imports, "CHUNKS_A_ROUND", 1)
    write_csv(door.import_dir / "a.csv", lines())
    import_id = (await start(door, path="a.csv", mapping=ORDERS))["import_id"]
    await run_imports.run(door.runtime)
    assert (await door.ask("POST", f"/v1/imports/{import_id}/stop")).json()["rows"] == 10
    # a worker that had it in hand meanwhile
    assert await run_imports._take_chunk(door.runtime, door.workspace.workspace_id, import_id) == 0
    assert await resumed(door, import_id) == (200, "waiting")
    await run_to_end(door)
    await assert_all_taken_once(door, import_id)


async def test_an_upload_is_kept_for_a_day_after_its_import_failed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(door.import_dir / "a.csv", lines())
    import_id, path = await uploaded(door, (door.import_dir / "a.csv").read_bytes())
    long_ago = time.time() - 100 * 3600
    os.utime(path, (long_ago, long_ago))
    await failed(door, monkeypatch, import_id)
    assert await sweep_uploads.run(door.runtime) == 0
    assert await resumed(door, import_id) == (200, "waiting")
    await run_to_end(door)
    await assert_all_taken_once(door, import_id)
    assert not path.exists(), "what is done is forgotten"


async def test_without_its_file_it_is_sent_again_and_nothing_is_doubled(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(door.import_dir / "a.csv", lines())
    body = (door.import_dir / "a.csv").read_bytes()
    import_id, path = await uploaded(door, body)
    await failed(door, monkeypatch, import_id)
    path.write_bytes(body + b"c9,2020-01-02,1,x\r\n")
    assert await resumed(door, import_id) == (409, "file_changed")
    path.unlink()
    assert await resumed(door, import_id) == (409, "file_gone")
    again, _ = await uploaded(door, body)
    await run_to_end(door)
    done = (await door.ask("GET", f"/v1/imports/{again}")).json()
    assert (done["state"], done["accepted"], done["duplicate"]) == ("done", ROWS - 20, 20)
    assert (await resumed(door, "00000000-0000-7000-8000-000000000000"))[0] == 404


async def uploaded(door: Door, body: bytes) -> tuple[str, Path]:
    """Upload a file as an import; return its id and where it lies."""
    spec = msgspec.json.encode({"source_id": door.server.source_id, "mapping": ORDERS}).decode()
    answer = await door.ask("POST", "/v1/imports", data={"spec": spec}, files={"file": ("a.csv", body)})
    assert answer.status_code == 202, answer.text
    import_id = answer.json()["import_id"]
    return import_id, door.runtime.settings.data_dir / "imports" / f"{import_id}.csv"
