"""Previews of imports that end badly: a worker that dies, one that cannot be made, one that ends its process."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from libs.common.db import statement
from services.identity.jobs import run_import_previews
from services.identity.store import import_previews, leases
from services.identity.usecases.graph.judge_regions import judge_regions
from tests.identity.collection.conftest import Door, OpenDoor
from tests.identity.collection.foreseeing import (
    customers,
    die,
    killed,
    nothing,
    standing,
    write_rows,
)


async def test_a_worker_that_dies_in_a_preview_leaves_it_to_another(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(number) for number in range(5)])
    asked = {"source_id": door.server.source_id, "path": name}
    made = await door.ask("POST", "/v1/imports/previews", json=asked)

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", die)
        with pytest.raises(asyncio.CancelledError):
            await run_import_previews.run(door.runtime)
    told = (await door.ask("GET", made.headers["location"])).json()
    assert (told["state"], told["rows_read"], told["report"]) == ("running", 5, None), "how far it is shows meanwhile"
    assert await run_import_previews.run(door.runtime) == 1
    told = (await door.ask("GET", made.headers["location"])).json()
    assert (told["state"], told["report"]["persons"]["new"]) == ("done", 5)


async def test_a_preview_that_ends_its_process_again_and_again_is_given_up(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    asked = {"source_id": door.server.source_id, "path": name}
    made = [await door.ask("POST", "/v1/imports/previews", json=asked) for _ in range(2)]

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", die)
        for _ in range(run_import_previews.MOST_TIMES):
            await killed(door, patched, run_import_previews, import_previews.queue)
        assert await run_import_previews.run(door.runtime) == 1
    assert await run_import_previews.run(door.runtime) == 1
    told = [(await door.ask("GET", one.headers["location"])).json() for one in made]
    assert [(one["state"], one["why"]) for one in told] == [
        ("failed", "it was begun 3 times and not ended: try a smaller file"),
        ("done", ""),
    ]


@pytest.mark.parametrize("passing", [asyncio.CancelledError, asyncpg.SerializationError])
async def test_restarts_and_what_passes_by_itself_do_not_tell_against_a_preview(
    door: Door, monkeypatch: pytest.MonkeyPatch, passing: type[BaseException]
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    made = await door.ask("POST", "/v1/imports/previews", json={"source_id": door.server.source_id, "path": name})

    async def stop(*_: Any) -> None:
        raise passing

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", stop)
        for _ in range(run_import_previews.MOST_TIMES + 1):
            with pytest.raises(passing):
                await run_import_previews.run(door.runtime)
    assert await run_import_previews.run(door.runtime) == 1
    assert (await door.ask("GET", made.headers["location"])).json()["state"] == "done"


async def test_a_preview_that_cannot_be_made_does_not_keep_others_from_being_made(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    asked = {"source_id": door.server.source_id, "path": name}
    made = [await door.ask("POST", "/v1/imports/previews", json=asked) for _ in range(2)]

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", fail)
        assert await run_import_previews.run(door.runtime) == 1
    assert await run_import_previews.run(door.runtime) == 1
    told = [(await door.ask("GET", one.headers["location"])).json() for one in made]
    assert [one["state"] for one in told] == ["failed", "done"]
    assert told[0]["why"] == "it cannot be made: ZeroDivisionError; the log says more"


async def test_a_preview_whose_worker_was_killed_is_taken_over_when_its_lease_ends(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    made = await door.ask("POST", "/v1/imports/previews", json={"source_id": door.server.source_id, "path": name})

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", die)
        patched.setattr(import_previews.queue, "let_go", nothing)
        with pytest.raises(asyncio.CancelledError):
            await run_import_previews.run(door.runtime)
    assert await run_import_previews.run(door.runtime) == 0, "it is in hand still"
    async with door.runtime.worker_database.transaction([]) as tx:
        await tx.execute(statement("update import_preview_queue set taken_until = clock_timestamp()"))
    assert await run_import_previews.run(door.runtime) == 1
    assert (await door.ask("GET", made.headers["location"])).json()["state"] == "done"


async def test_who_comes_back_after_another_took_over_writes_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    made = await door.ask("POST", "/v1/imports/previews", json={"source_id": door.server.source_id, "path": name})
    begun, ended = asyncio.Event(), asyncio.Event()

    async def sleep(*_: Any) -> None:
        begun.set()
        await ended.wait()

    monkeypatch.setattr(leases, "LEASE", timedelta(0))
    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", sleep)
        slow = asyncio.create_task(run_import_previews.run(door.runtime))
        await begun.wait()
    assert await run_import_previews.run(door.runtime) == 1
    told = (await door.ask("GET", made.headers["location"])).json()
    assert (told["state"], told["report"]["persons"]["new"]) == ("done", 1)
    ended.set()
    assert await slow == 1
    assert (await door.ask("GET", made.headers["location"])).json() == told


async def test_who_lost_his_lease_while_he_works_ends(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(1)])
    made = await door.ask("POST", "/v1/imports/previews", json={"source_id": door.server.source_id, "path": name})

    async def taken_over(*_: Any) -> None:
        workspace_id, preview_id = door.workspace.workspace_id, UUID(made.json()["preview_id"])
        async with door.runtime.worker_database.transaction(workspace_id) as tx:
            await import_previews.queue.begin(tx, workspace_id, preview_id)
        await asyncio.Event().wait()

    monkeypatch.setattr(run_import_previews, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr("services.identity.usecases.foresee_import.judge_regions", taken_over)
    assert await run_import_previews.run(door.runtime) == 1
    assert (await door.ask("GET", made.headers["location"])).json()["state"] == "running"


async def test_no_transaction_stands_while_a_preview_is_made(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(number) for number in range(5)])
    made = await door.ask("POST", "/v1/imports/previews", json={"source_id": door.server.source_id, "path": name})
    found: list[int] = []

    async def look(*given: Any) -> None:
        found.append(await standing(door))
        await judge_regions(*given)

    monkeypatch.setattr("services.identity.usecases.foresee_import.judge_regions", look)
    assert await run_import_previews.run(door.runtime) == 1
    assert (await door.ask("GET", made.headers["location"])).json()["report"]["persons"]["new"] == 5
    assert found == [0]


async def test_a_file_of_too_many_rows_is_refused_with_what_to_do(open_door: OpenDoor) -> None:
    door = await open_door(preview_rows=2)
    path = door.import_dir / "people.ndjson"
    asked = {"source_id": door.server.source_id, "path": write_rows(path, [customers(number) for number in range(3)])}
    refused = await door.ask("POST", "/v1/imports/previews", json=asked)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/path", "too_many_rows")
    assert error["detail"].startswith("the file has 3 rows, and a preview is made of 2 at most: try it in parts")
    spec = json.dumps({"source_id": door.server.source_id})
    sent = {"data": {"spec": spec}, "files": {"file": ("people.ndjson", path.read_bytes())}}
    refused = await door.ask("POST", "/v1/imports/previews", **sent)
    assert refused.json()["errors"][0]["pointer"] == "/file"
    assert list((door.runtime.settings.data_dir / "imports").iterdir()) == [], "what was uploaded is not kept"
    write_rows(path, [customers(number) for number in range(2)])
    assert (await door.ask("POST", "/v1/imports/previews", json=asked)).status_code == 202
