"""One run or one workspace that cannot go on keeps nobody else."""

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from libs.common import watermark
from libs.common.access.model import Workspace
from libs.common.db import Tx, statement
from libs.common.personal import Sealer
from services.journey.domain.node import Ask
from services.journey.jobs import advance_due_runs, reach_watermarks
from services.journey.nodes.split import SplitNode
from services.journey.nodes.wait import WaitNode
from tests.fixtures.apps import House
from tests.journey.stage import GO, SEND, Stage, a_stage, wait


async def begin(stage: Stage, names: Iterable[str], *, workspace_id: int, wait_for: str = "PT1H") -> str:
    """Publish a journey in a workspace and let persons enter; return its id."""
    headers = stage.app.as_service("identity", workspace_id)
    definition = {"entry": GO, "nodes": [wait("w", wait_for), SEND]}
    client = stage.app.client
    made = await client.post(
        "/v1/journey/journeys", json={"name": "Journey", "definition": definition}, headers=headers
    )  # fmt: skip
    assert made.status_code == 201, made.text
    journey: str = made.json()["id"]
    published = await client.post(f"/v1/journey/journeys/{journey}/publish", json={}, headers=headers)
    assert published.status_code == 200, published.text
    events = [msgspec.structs.replace(stage.event(name, "go"), workspace_id=workspace_id) for name in names]
    await stage.say(*events, workspace_id=workspace_id, drain=False)
    for subscription in stage.app.runtime.subscriptions:
        while await subscription.pending():
            await asyncio.sleep(0.01)
    if stage.app.runtime.is_driven(workspace_id):
        await stage.app.drain(workspace_id)
    return journey


async def states(stage: Stage, journey: str, workspace_id: int) -> list[str]:
    """Return the states of a journey's runs."""
    headers = stage.app.as_service("identity", workspace_id)
    answer = await stage.app.client.get(f"/v1/journey/journeys/{journey}/runs", headers=headers)
    assert answer.status_code == 200, answer.text
    return [run["state"] for run in answer.json()["items"]]


async def completed(stage: Stage, journey: str, workspace_id: int, count: int, seconds: float = 60) -> None:
    """Wait until so many runs of a journey are completed."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await states(stage, journey, workspace_id)).count("completed") < count:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.02)


async def an_hour_later(stage: Stage, *workspace_ids: int) -> None:
    """Put the clocks of workspaces to when the waits end."""
    later = stage.now + timedelta(hours=2)
    for workspace_id in workspace_ids:
        await stage.app.put_clock(later, held=False, workspace_id=workspace_id)


async def test_an_unwritable_run_is_found_while_several_workspaces_are_active(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = WaitNode.decide

    def unwritable(self: WaitNode, run: Any, facts: Any, /) -> Any:
        found = right(self, run, facts)
        if run.person_no == stage.person("p7"):
            run.node = "w\0"
        return found

    ours = await begin(stage, [f"p{number}" for number in range(20)], workspace_id=1)
    theirs = await begin(stage, [f"q{number}" for number in range(20)], workspace_id=2)
    monkeypatch.setattr(WaitNode, "decide", unwritable)
    await an_hour_later(stage, 1, 2)
    await completed(stage, ours, 1, 19)
    await completed(stage, theirs, 2, 20)
    # the one at fault is tried five times, and given up
    async with asyncio.timeout(60):
        while "exited" not in await states(stage, ours, 1):
            await asyncio.sleep(0.1)


async def test_a_workspace_whose_keys_do_not_open_waits_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = await begin(stage, ["ann"], workspace_id=1)
    theirs = await begin(stage, ["bob"], workspace_id=2)
    runtime = stage.app.runtime
    right = runtime.directory.sealer
    broken = {2}

    def sealer(workspace_id: int) -> Sealer:
        if workspace_id in broken:
            raise ValueError("these keys were wrapped by another")
        return right(workspace_id)

    monkeypatch.setattr(runtime.directory, "sealer", sealer)
    await an_hour_later(stage, 1, 2)
    await completed(stage, ours, 1, 1)
    assert await states(stage, theirs, 2) == ["waiting"]
    broken.clear()
    await completed(stage, theirs, 2, 1)


async def test_a_workspace_that_is_behind_delays_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.records = [
        msgspec.structs.replace(record, driven_now=None) if isinstance(record, Workspace) else record
        for record in house.records
    ]
    right = watermark.reach_watermark
    waits: list[int] = []

    async def reach(runtime: Any, workspace_id: int, *rest: Any) -> bool:
        waits.append(workspace_id)
        if workspace_id == 1:
            await asyncio.sleep(60)
        return await right(runtime, workspace_id, *rest)

    monkeypatch.setattr(reach_watermarks, "reach_watermark", reach)
    async with a_stage(house) as stage:
        stage.neighbours.watermark = stage.now + timedelta(hours=1)
        noisy = await begin(stage, ["ann"], workspace_id=1, wait_for="PT0.1S")
        quiet = await begin(stage, ["bob"], workspace_id=2, wait_for="PT0.1S")
        await completed(stage, quiet, 2, 1)
        assert await states(stage, noisy, 1) != ["completed"]
        assert waits.count(1) == 1
        again = await begin(stage, ["cid"], workspace_id=2, wait_for="PT0.1S")
        await completed(stage, again, 2, 1)


async def test_an_idle_round_of_the_engine_is_one_statement_and_sees_no_workspace(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(stage, ["ann"], workspace_id=1)
    await stage.app.drain()
    seen: list[tuple[int, ...]] = []
    # what relays and follows goes on beside the round, in tasks of their own
    of_the_round: ContextVar[bool] = ContextVar("of_the_round", default=False)
    right = Tx.fetch

    async def fetch(self: Tx, stmt: Any, **params: Any) -> Any:
        if of_the_round.get():
            seen.append(self.workspaces)
        return await right(self, stmt, **params)

    engine = stage.app.runtime.loops["advance_due_runs"].job
    monkeypatch.setattr(Tx, "fetch", fetch)
    for loop in stage.app.runtime.loops.values():
        await loop.stop()
    of_the_round.set(True)
    assert await engine.run(stage.app.runtime) == 0
    assert seen == [()]


async def test_an_unwritable_run_with_its_answers_keeps_no_other_that_was_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = SplitNode.decide

    def unwritable(self: SplitNode, run: Any, facts: Any, /) -> Any:
        found = right(self, run, facts)
        if run.person_no == stage.person("p3") and not isinstance(found, Ask):
            run.node = "s\0"
        return found

    monkeypatch.setattr(SplitNode, "decide", unwritable)
    condition = {"trait": "rich", "op": "exists"}
    split = {"id": "s", "type": "split", "condition": condition, "yes": "hello", "no": None}
    journey = await stage.journey({"entry": GO, "nodes": [split, SEND]})
    await stage.say(*[stage.event(f"p{number}", "go") for number in range(6)], drain=False)
    await completed(stage, journey, 1, 5)


async def test_the_driven_clock_asks_the_engine_one_statement_each_and_counts_no_backlog_through(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = stage.app.runtime
    for loop in runtime.loops.values():
        await loop.stop()
    async with runtime.worker_database.transaction(()) as tx:
        await tx.execute(
            statement("""
                insert into run_timer (run_id, workspace_id, due_at)
                select gen_random_uuid(), 1, :now::timestamptz from generate_series(1, 12000)
            """),
            now=stage.now,
        )
        await tx.execute(
            statement("insert into run_timer (run_id, workspace_id, due_at) values (gen_random_uuid(), 1, :due)"),
            due=stage.now + timedelta(hours=1),
        )
    asked: list[str] = []
    right = Tx.fetch_value

    async def fetch_value(self: Tx, stmt: Any, **params: Any) -> Any:
        if self.workspaces == (1,):
            asked.append("one")
        return await right(self, stmt, **params)

    monkeypatch.setattr(Tx, "fetch_value", fetch_value)
    assert await advance_due_runs.open_count(runtime, 1) == 10_000
    assert await advance_due_runs.next_due(runtime, 1) == stage.now + timedelta(hours=1)
    assert asked == ["one", "one"]
    looked_at = {name for name, loop in runtime.loops.items() if loop.job.open or loop.job.next_due}
    assert looked_at == {"advance_due_runs", "apply_replays"}
