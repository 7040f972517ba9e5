"""Shadow runs of policies that end badly are given up, and the others go on; a run reads a little at a time."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from libs.common.db import statement
from services.identity.jobs import rename_derived, resolve_events, run_shadows
from services.identity.store import shadows
from services.identity.usecases.run_shadow import run_shadow
from tests.identity.collection.conftest import Door
from tests.identity.collection.foreseeing import die, killed, standing
from tests.identity.collection.test_suggestions import U1, say

FOLDING = {"mail.example": {"dots": True}}
EMAIL = {"email": {"priority": 4, "max_per_person": 50, "folding": FOLDING}}


async def asked(door: Door, namespaces: dict[str, Any]) -> str:
    answer = await door.ask("POST", "/v1/identity/policies/shadows", json={"namespaces": namespaces})
    assert answer.status_code == 202, answer.text
    return f"/v1/identity/policies/shadows/{answer.json()['shadow_id']}"


async def told(door: Door, where: str) -> dict[str, Any]:
    found: dict[str, Any] = (await door.ask("GET", where)).json()
    return found


async def test_a_run_that_always_fails_is_given_up_with_its_reason(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    failing, fine = await asked(door, {}), await asked(door, {})

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(run_shadows, "run_shadow", fail)
        for _ in range(run_shadows.MOST_TIMES - 1):
            with pytest.raises(ZeroDivisionError):
                await run_shadows.run(door.runtime)
        assert (await told(door, failing))["state"] == "waiting"
        assert await run_shadows.run(door.runtime) == 1
    found = await told(door, failing)
    assert (found["state"], found["report"]) == ("failed", None)
    assert found["why"] == "it failed 3 times: ZeroDivisionError; the log says more"
    refused = await door.ask("POST", f"{failing}/switch")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "failed")
    assert await run_shadows.run(door.runtime) == 1
    assert ((await told(door, fine))["state"], (await told(door, fine))["why"]) == ("done", "")
    assert await run_shadows.run(door.runtime) == 0


async def test_a_run_that_ends_its_process_again_and_again_is_given_up(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await asked(door, {})

    with monkeypatch.context() as patched:
        patched.setattr(run_shadows, "run_shadow", die)
        for _ in range(run_shadows.MOST_TIMES):
            await killed(door, patched, run_shadows, shadows.queue)
        assert await run_shadows.run(door.runtime) == 1
    found = await told(door, where)
    assert (found["state"], found["why"]) == ("failed", "it was begun 3 times and not ended")


async def test_restarts_and_what_passes_by_itself_do_not_tell_against_a_run(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await asked(door, {})

    for error in (ZeroDivisionError, *[asyncio.CancelledError, asyncpg.SerializationError] * 2, ZeroDivisionError):

        async def stop(*_: Any, error: type[BaseException] = error) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(run_shadows, "run_shadow", stop)
            with pytest.raises(error):
                await run_shadows.run(door.runtime)
    assert await run_shadows.run(door.runtime) == 1
    assert (await told(door, where))["state"] == "done"


async def test_no_transaction_stands_while_policies_are_tried(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await say(door, ("login", 1, [U1]))
    where, found = await asked(door, EMAIL), list[int]()

    async def look(*given: Any) -> dict[str, Any]:
        found.append(await standing(door))
        return await run_shadow(*given)

    monkeypatch.setattr(run_shadows, "run_shadow", look)
    assert await run_shadows.run(door.runtime) == 1
    assert ((await told(door, where))["state"], found) == ("done", [0])


async def test_a_run_waits_until_evidence_has_its_new_ids(door: Door) -> None:
    await say(door, ("login", 1, [U1]))
    where = await asked(door, EMAIL)
    async with door.runtime.worker_database.transaction([]) as tx:
        queue = (
            "insert into renaming_queue (workspace_id, due_at)"
            " select workspace_id, now() + wait from workspace, unnest(:waits::interval[]) wait"
        )
        await tx.execute(statement(queue), waits=[timedelta(0), timedelta(days=1)])
    assert await run_shadows.run(door.runtime) == 0
    while await rename_derived.run(door.runtime):
        pass
    assert await run_shadows.run(door.runtime) == 1
    assert (await told(door, where))["state"] == "done"


async def test_spellings_that_denote_one_are_joined_however_few_are_read_at_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    locals_ = [
        spelled
        for name in ("anna", "bob", "carl")
        for spelled in (name, f"{name[0]}.{name[1:]}", f"{name[:2]}.{name[2:]}")
    ]
    for place, local in enumerate([*locals_, "dora"]):
        user = {"namespace": "user_id", "scope": f"shop-{place}", "value": f"u-{place}"}
        await say(door, ("login", 1, [user, {"namespace": "email", "value": f"{local}@mail.example"}]))
    while await resolve_events.run(door.runtime):
        pass
    monkeypatch.setattr(shadows, "CHUNK", 2)
    monkeypatch.setattr("services.identity.usecases.run_shadow.NODES_AT_ONCE", 1)
    where = await asked(door, EMAIL)
    assert await run_shadows.run(door.runtime) == 1
    report = (await told(door, where))["report"]
    assert (report["persons_before"], report["persons_after"], report["persons_merged"]) == (10, 4, 6)
    assert report["largest_after"] == 6
