"""A question is asked once: not again for runs that are held, nor for those that went on before something failed."""

import asyncio
from typing import Any

import pytest

from services.journey.jobs import answer_questions
from services.journey.store import due_runs
from tests.journey.stage import GO, SEND, Stage


async def a_split(stage: Stage) -> str:
    stage.membership("ann", "vip", "entered")
    split = {"id": "s", "type": "split", "segment": stage.segment("vip"), "yes": "hello", "no": None}
    return await stage.journey({"entry": GO, "nodes": [split, SEND]})


def questions(stage: Stage) -> int:
    return sum(path.endswith("membership") for path, _ in stage.neighbours.asked)


async def test_a_run_that_is_held_for_some_rounds_is_asked_about_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = await a_split(stage)
    rounds: list[int] = []
    claim = due_runs.claim_leased_runs

    async def held_at_first(tx: Any, leases: Any) -> Any:
        rounds.append(len(leases))
        return [] if len(rounds) < 4 else await claim(tx, leases)

    monkeypatch.setattr(answer_questions.due_runs, "claim_leased_runs", held_at_first)
    await stage.say(stage.event("ann", "go"))
    assert len(rounds) == 4
    assert questions(stage) == 1
    assert [run["state"] for run in await stage.runs(journey)] == ["completed"]


async def test_who_went_on_is_not_asked_about_again_when_what_follows_fails(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = await a_split(stage)
    still, claim = due_runs.still_leased, due_runs.claim_leased_runs
    failed: list[int] = []

    async def claim_ann_first(tx: Any, leases: Any) -> Any:
        return await claim(tx, leases if failed else leases[:1])

    async def fail_once(tx: Any, leases: Any) -> Any:
        if not failed:
            failed.append(len(leases))
            raise ConnectionError("the database went away")
        return await still(tx, leases)

    monkeypatch.setattr(answer_questions.due_runs, "claim_leased_runs", claim_ann_first)
    monkeypatch.setattr(answer_questions.due_runs, "still_leased", fail_once)
    await stage.say(*(stage.event(name, "go") for name in ("ann", "bob")), drain=False)
    async with asyncio.timeout(30):
        while any(run["state"] != "completed" for run in await stage.runs(journey)) or not failed:
            await asyncio.sleep(0.02)
    asked = [body["person_nos"] for path, body in stage.neighbours.asked if path.endswith("membership")]
    assert failed == [1], "only who did not go on was looked for"
    assert sum(len(numbers) for numbers in asked) == 3, "both, and again who was held when it failed"
