"""A preview of hundreds of conditions keeps no round waiting, and is as exact as one that did."""

import asyncio
import random
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import parse_definition
from services.segment.store.parts import SegmentParts
from services.segment.usecases import ask_everybody as asking
from services.segment.usecases.ask_everybody import ask_everybody
from services.segment.usecases.squash_overrides import begin_squash, squash_overrides
from tests.segment.columnar import LongCall, a_columnar_store
from tests.segment.stage import WORKSPACE

MANY = {
    "any": [
        {"did": "bought", "count": {"op": "gte", "n": 2}},
        {"aggregate": "sum", "event": "bought", "prop": "amount", "op": "gte", "value": 7},
        {
            "all": [
                {"trait": "tier", "op": "not_equals", "value": "gold"},
                {"did": "seen", "window": {"last": "2 days"}},
            ]
        },
        {"none": [{"did": "seen"}, {"trait": "tier", "op": "exists"}]},
        {"last_event": "bought", "has": [{"prop": "amount", "op": "lt", "value": 3}]},
        *({"did": "bought", "where": [{"prop": "amount", "op": "equals", "value": n}]} for n in range(20)),
    ]
}
NAMES = ["kim", "lea", "max", "noa", "ann", "bea"]


@asynccontextmanager
async def held_preview(stage, monkeypatch, definition=MANY):
    """Begin a preview whose answer by the store lies ready, and is held until the block is left; yield it."""
    answered, go_on = asyncio.Event(), asyncio.Event()
    real = asking.answers_of

    async def held(columnar, inquiry, scope):
        found = await real(columnar, inquiry, scope)
        if not answered.is_set():
            answered.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(asking, "answers_of", held)
    parsed = parse_definition(definition, grammar())
    previewing = asyncio.create_task(ask_everybody(stage.app.runtime, workspace_id=WORKSPACE, definition=parsed))
    await asyncio.wait_for(answered.wait(), 60)
    try:
        yield previewing
    finally:
        go_on.set()
    await asyncio.wait_for(asyncio.shield(previewing), 60)
    monkeypatch.setattr(asking, "answers_of", real)


async def anew(stage, definition=MANY):
    parsed = parse_definition(definition, grammar())
    return await ask_everybody(stage.app.runtime, workspace_id=WORKSPACE, definition=parsed)


async def furnished(stage):
    for number, name in enumerate(NAMES):
        await stage.event(name, "bought", {"amount": number})
        await stage.trait(name, "tier", ["gold", "iron"][number % 2])


async def test_rounds_go_on_while_everybody_is_asked(stage, monkeypatch):
    live = await stage.segment({"did": "seen"})
    await furnished(stage)
    async with held_preview(stage, monkeypatch) as previewing:
        await asyncio.wait_for(stage.event("kim", "seen"), 60)
        assert await stage.members(live) == {"kim"}
        assert not previewing.done()
    assert previewing.result() == await anew(stage)


async def test_what_came_meanwhile_is_in_the_answer(stage, monkeypatch):
    await furnished(stage)
    chance = random.Random(7)
    for _ in range(4):
        async with held_preview(stage, monkeypatch) as previewing:
            for _ in range(4):
                await _something(stage, chance)
        found = previewing.result()
        assert found == await anew(stage)
        assert stage.person("kim") in found.among


async def _something(stage, chance):
    name, amount = chance.choice(NAMES), chance.randint(0, 20)
    match chance.choice(["bought", "late", "seen", "trait", "merge", "new"]):
        case "bought":
            await stage.event(name, "bought", {"amount": amount})
        case "late":
            await stage.event(name, "seen", at=stage.now - timedelta(days=chance.choice([1, 3])))
        case "seen":
            await stage.event(name, "seen")
        case "trait":
            await stage.trait(name, "tier", chance.choice(["gold", "iron", None]))
        case "merge" if name not in ("kim", "lea"):
            await stage.merge("kim", name)
        case _:
            await stage.event(f"new {chance.random()}", "bought", {"amount": amount})


async def test_who_is_touched_while_he_is_asked_once_more_is_asked_again(stage, monkeypatch):
    await furnished(stage)
    real, turns = asking._ask_again, []

    async def touching(*given):
        found = await real(*given)
        turns.append(set(given[3]))
        if len(turns) < 3:
            await stage.event("kim", "bought", {"amount": 10 + len(turns)})
        return found

    monkeypatch.setattr(asking, "_ask_again", touching)
    async with held_preview(stage, monkeypatch) as previewing:
        for name in NAMES[:4]:
            await stage.event(name, "bought", {"amount": 9})
    kim = stage.person("kim")
    assert turns[0] >= {kim} and turns[1:] == [{kim}, {kim}]
    assert previewing.result() == await anew(stage)


async def test_more_than_can_be_named_are_asked_like_everybody(stage, monkeypatch):
    monkeypatch.setattr(asking, "MOST_NAMED", 1)
    await furnished(stage)
    async with held_preview(stage, monkeypatch) as previewing:
        for name in NAMES[2:]:
            await stage.event(name, "seen")
    assert previewing.result() == await anew(stage)


async def test_rows_that_are_laid_elsewhere_meanwhile_are_asked_all_anew(stage, monkeypatch):
    await furnished(stage)
    await stage.merge("kim", "lea")
    runtime = stage.app.runtime
    async with held_preview(stage, monkeypatch) as previewing:
        await begin_squash(runtime, WORKSPACE)
        for _ in range(3):
            await squash_overrides(runtime, WORKSPACE)
    assert previewing.result() == await anew(stage)


async def test_nobody_watches_once_it_is_answered(stage, monkeypatch):
    await furnished(stage)
    assert not any(stage.app.runtime.parts.watches.values())
    async with held_preview(stage, monkeypatch):
        assert len(stage.app.runtime.parts.watches[WORKSPACE]) == 1
    assert not any(stage.app.runtime.parts.watches.values())


async def test_who_gives_way_leaves_a_handle_to_the_others(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        patient = store.giving_way()
        long = [LongCall() for _ in range(3)]
        running = [asyncio.create_task(call.run(patient)) for call in long]
        await long[0].begun()
        for _ in range(3):
            await asyncio.wait_for(store.rows("select 1", {}), 60)
        assert not any(call.is_begun() for call in long[1:])
        for call in long:
            call.end()
        await asyncio.gather(*running)


@pytest.mark.parametrize("many", [True, False])
async def test_a_few_conditions_are_asked_over_every_handle(stage, monkeypatch, many):
    await furnished(stage)
    over = []
    real = asking.answers_of

    async def told(columnar, inquiry, scope):
        over.append(columnar.gives_way)
        return await real(columnar, inquiry, scope)

    monkeypatch.setattr(asking, "answers_of", told)
    await anew(stage, MANY if many else {"did": "bought"})
    assert over[0] is many


def test_each_watch_ends_by_itself_and_hears_what_comes_later():
    parts = SegmentParts(columnar=None)
    first, second = parts.watch(WORKSPACE), parts.watch(WORKSPACE)
    one, _ = first.__enter__(), second.__enter__()
    second.__exit__(None, None, None)
    parts.note_touched(WORKSPACE, [7])
    assert list(one.take()) == [7]
    first.__exit__(None, None, None)
    assert parts.watches[WORKSPACE] == []
