"""Uploads that a crash left behind are forgotten: they hold people in clear."""

import json
import os
import time
from pathlib import Path

from libs.common.ids import new_id
from services.identity.jobs import sweep_uploads
from services.identity.store import imports
from tests.identity.collection.conftest import Door
from tests.identity.collection.foreseeing import customers


def aged(path: Path, hours: float) -> Path:
    path.touch()
    at = time.time() - hours * 3600
    os.utime(path, (at, at))
    return path


async def sent(door: Door, where: str) -> Path:
    uploads = door.runtime.settings.data_dir / "imports"
    known = set(uploads.iterdir()) if uploads.exists() else set()
    files = {"file": ("people.ndjson", json.dumps(customers(1)).encode())}
    spec = json.dumps({"source_id": door.server.source_id})
    assert (await door.ask("POST", where, data={"spec": spec}, files=files)).status_code == 202
    [path] = set(uploads.iterdir()) - known
    return path


async def test_what_a_crash_left_behind_goes_by_its_age_and_what_waits_stays(door: Door) -> None:
    assert await sweep_uploads.run(door.runtime) == 0, "there is no folder before anything was sent"
    waiting = [aged(await sent(door, "/v1/imports"), 100), aged(await sent(door, "/v1/imports/previews"), 100)]
    uploads = waiting[0].parent
    left = [aged(uploads / f"{new_id()}{suffix}", 25) for suffix in (".csv", ".ndjson.gz", ".csv.part")]
    young = aged(uploads / f"{new_id()}.csv.part", 23)
    foreign = aged(uploads / "notes.txt", 100)
    assert await sweep_uploads.run(door.runtime) == len(left)
    assert set(uploads.iterdir()) == {*waiting, young, foreign}
    assert await sweep_uploads.run(door.runtime) == 0


async def test_what_is_over_goes_though_its_upload_was_never_forgotten(door: Door) -> None:
    path = aged(await sent(door, "/v1/imports"), 100)
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        [(workspace_id, import_id)] = await imports.queued(tx, 1)
        await imports.finish(tx, workspace_id, import_id, state="stopped", why="", now=door.runtime.now(workspace_id))
    assert await sweep_uploads.run(door.runtime) == 1
    assert not path.exists()
