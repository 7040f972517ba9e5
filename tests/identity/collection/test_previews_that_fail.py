"""Previews of imports that end badly: a worker that dies, one that cannot be made, one that ends its process."""

import asyncio
from typing import Any

import pytest

from services.identity.jobs import run_import_previews
from tests.identity.collection.conftest import Door
from tests.identity.collection.foreseeing import (
    customers,
    write_rows,
)


async def test_a_worker_that_dies_in_a_preview_leaves_it_to_another(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_rows(door.import_dir / "people.ndjson", [customers(number) for number in range(5)])
    asked = {"source_id": door.server.source_id, "path": name}
    made = await door.ask("POST", "/v1/imports/previews", json=asked)

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

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

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("services.identity.usecases.foresee_import.judge_regions", die)
        for _ in range(run_import_previews.MOST_TIMES):
            with pytest.raises(asyncio.CancelledError):
                await run_import_previews.run(door.runtime)
        assert await run_import_previews.run(door.runtime) == 1
    assert await run_import_previews.run(door.runtime) == 1
    told = [(await door.ask("GET", one.headers["location"])).json() for one in made]
    assert [(one["state"], one["why"]) for one in told] == [
        ("failed", "it was begun 3 times and not ended: try a smaller file"),
        ("done", ""),
    ]


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
