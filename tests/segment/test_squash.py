"""Rows are laid under their owner behind everybody's back: no answer changes, before, during or after."""

import random
from datetime import timedelta

import pytest

from libs.common.db import statement
from services.segment.jobs import squash_overrides as job
from services.segment.store import squashes
from services.segment.usecases import squash_overrides as steps
from services.segment.usecases.squash_overrides import begin_squash, squash_overrides
from tests.segment.oracle import When, is_member
from tests.segment.stage import WORKSPACE
from tests.segment.test_random_histories import SEGMENTS, History

TWICE = {"did": "bought", "count": {"op": "gte", "n": 2}, "window": {"last": "3 days"}}
ONCE = {"did": "bought"}
ROWS = "select subject_no, person_no, person_no_at_ingest from event order by all"


@pytest.fixture(autouse=True)
def the_job_rests(monkeypatch):
    """The steps are taken by the test, and by nobody else."""

    async def rest(_runtime, _workspace_id):
        return 0

    monkeypatch.setattr(job, "squash_overrides", rest)


class Died(Exception):
    """The process is gone."""


async def step(stage):
    return await squash_overrides(stage.app.runtime, WORKSPACE)


async def begin(stage):
    return await begin_squash(stage.app.runtime, WORKSPACE)


async def run_through(stage):
    """Take the open squash on to its end; what the engine deletes behind our back takes its time."""
    for _ in range(2_000):
        await step(stage)
        if await phase(stage) is None:
            return
    raise AssertionError("the squash does not end")


async def phase(stage):
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        squash = await squashes.open_squash(tx, WORKSPACE)
    return squash.phase if squash else None


async def rows(stage, sql=ROWS):
    return [tuple(row.values()) for row in await stage.app.runtime.parts.columnar.rows(sql, {})]


async def overridden(stage):
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        return await tx.fetch_value(statement("select count(*) from segment.subject where overridden"))


async def picture(stage, *names):
    """Return what everybody may ask: by preview, about each person, as explained, as counted by day."""
    previews = [(await stage.preview(body))["count"] for body in (TWICE, ONCE)]
    asked = [await stage.ask(name, condition=TWICE) for name in names]
    body = {"person_no": stage.person(names[0]), "definition": TWICE}
    explained = await stage.app.client.post("/v1/segment/explain", json=body)
    counts = await stage.app.client.get("/v1/segment/columnar/counts")
    return previews, asked, explained.json(), counts.json()


async def test_every_step_of_a_squash_answers_the_same(stage):
    await stage.create("kim", "lea", "mo")
    for name in ("kim", "lea", "mo"):
        await stage.event(name, "bought")
    segment = await stage.segment(TWICE)
    await stage.merge("kim", "lea")
    before = await picture(stage, "kim", "mo")
    assert before[0] == [1, 2]
    assert await begin(stage) == 1, "hers alone lie under another"
    seen = []
    while (now := await phase(stage)) is not None:
        seen.append(now)
        assert await picture(stage, "kim", "mo") == before, now
        assert await stage.members(segment) == {"kim"}
        await step(stage)
    assert list(dict.fromkeys(seen)) == ["begun", "copied"]
    assert await picture(stage, "kim", "mo") == before
    kim, lea, mo = (stage.person(name) for name in ("kim", "lea", "mo"))
    assert await rows(stage) == [(1000 + kim, kim, kim), (1000 + lea, kim, lea), (1000 + mo, mo, mo)]
    assert await overridden(stage) == 0
    assert [await rows(stage, f"select * from {table}") for table in ("override", "squash")] == [[], []]
    assert await begin(stage) == 0
    await stage.assert_no_drift()


async def test_an_unmerge_after_a_squash_restores_each_his_events(stage):
    await stage.create("kim", "lea")
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    segment = await stage.segment(TWICE)
    await stage.merge("kim", "lea")
    await begin(stage)
    await run_through(stage)
    await stage.split("kim", "lea", 1000 + stage.person("lea"))
    assert await stage.members(segment) == set()
    assert [await stage.ask(name, condition=ONCE) for name in ("kim", "lea")] == [True, True]
    assert await begin(stage) == 1
    await run_through(stage)
    assert [row[1] for row in await rows(stage)] == [stage.person("kim"), stage.person("lea")]
    assert [await stage.ask(name, condition=ONCE) for name in ("kim", "lea")] == [True, True]
    await stage.assert_no_drift()


@pytest.mark.parametrize("between", ["begun", "copied"])
async def test_what_happens_during_a_squash_is_counted_once(stage, between):
    await stage.create("kim", "lea")
    await stage.event("lea", "bought")
    segment = await stage.segment({"did": "bought", "count": {"op": "equals", "n": 3}})
    await stage.merge("kim", "lea")
    await begin(stage)
    while await phase(stage) != between:
        await step(stage)
    await stage.event("lea", "bought")  # told under the number he had
    await stage.event("kim", "bought", subject=1000 + stage.person("lea"))
    assert await stage.members(segment) == {"kim"}
    await run_through(stage)
    assert await stage.ask("kim", segment_id=segment)
    assert await overridden(stage) == 1, "a row came in under the old number: its override stays"
    await begin(stage)
    await run_through(stage)
    assert (await overridden(stage), {row[1] for row in await rows(stage)}) == (0, {stage.person("kim")})
    await stage.assert_no_drift()


@pytest.mark.parametrize("between", ["begun", "copied"])
async def test_a_device_that_changes_hands_during_a_squash_is_each_ones_in_his_time(stage, between):
    await stage.create("kim", "lea", "mo")
    for hours in (9, 4):
        await stage.event("lea", "bought", at=stage.now - timedelta(hours=hours), subject=77)
    segment = await stage.segment(ONCE)
    await stage.own(77, "kim")
    assert await begin(stage) == 1
    while await phase(stage) != between:
        await step(stage)
    assert await stage.members(segment) == {"kim"}
    await stage.own(77, "mo", since=stage.now - timedelta(hours=5))
    for _ in ("during", "after"):
        assert await stage.members(segment) == {"kim", "mo"}
        assert [await stage.ask(name, condition=ONCE) for name in ("kim", "lea", "mo")] == [True, False, True]
        assert (await stage.preview(TWICE))["count"] == 0
        await run_through(stage)
    await stage.merge("lea", "kim")
    assert await begin(stage) == 0, "a subject with owners by time is left as it is"
    assert await stage.members(segment) == {"lea", "mo"}
    await stage.assert_no_drift()


@pytest.mark.parametrize("dies_before", ["copy_rows", "told", "retire_overrides", "finish"])
async def test_a_squash_that_dies_is_gone_on_with_or_undone(stage, monkeypatch, dies_before):
    await stage.create("kim", "lea")
    await stage.event("kim", "bought")
    await stage.event("lea", "bought")
    segment = await stage.segment(TWICE)
    await stage.merge("kim", "lea")
    before = await picture(stage, "kim")

    async def die(*_args, **_options):
        raise Died

    enter = squashes.enter

    async def die_when_copied(tx, squash, to, **left):
        await (die() if to == "copied" else enter(tx, squash, to, **left))

    await begin(stage)
    with monkeypatch.context() as patched:
        if dies_before in ("copy_rows", "retire_overrides"):
            patched.setattr(steps, dies_before, die)
        elif dies_before == "told":
            patched.setattr(squashes, "enter", die_when_copied)
        else:
            patched.setattr(squashes, "finish", die)
        with pytest.raises(Died):
            await run_through(stage)
    assert await picture(stage, "kim") == before
    await run_through(stage)
    assert await picture(stage, "kim") == before
    await begin(stage)
    await run_through(stage)
    assert await picture(stage, "kim") == before
    kim = stage.person("kim")
    assert [row[:2] for row in await rows(stage)] == [(1000 + kim, kim), (1000 + stage.person("lea"), kim)]
    assert await stage.members(segment) == {"kim"}


async def test_an_erasure_during_a_squash_leaves_nothing(stage):
    await stage.create("kim", "lea", "mo")
    for name in ("kim", "lea", "mo"):
        await stage.event(name, "bought")
    await stage.merge("kim", "lea")
    await stage.split("kim", "lea", 1000 + stage.person("lea"))
    await begin(stage)
    await step(stage)
    await stage.erase("lea")
    await run_through(stage)
    assert {row[0] for row in await rows(stage)} == {1000 + stage.person("kim"), 1000 + stage.person("mo")}
    assert (await stage.preview(ONCE))["count"] == 2


@pytest.mark.parametrize("seed", range(2))
async def test_a_random_history_with_squashes_agrees_with_the_oracle(stage, seed):
    chance = random.Random(seed)
    history = History(stage, chance)
    await stage.create(*history.names)
    segments = [(await stage.segment(definition), definition) for definition in SEGMENTS[:5]]
    done = []
    for _ in range(30):
        word = chance.choices(["event", "merge", "split", "wait", "squash"], [6, 3, 3, 1, 8])[0]
        if word == "squash":
            await (step(stage) if await phase(stage) else begin(stage))
        else:
            await getattr(history, word)()
        done.append((word, await phase(stage)))
        when = When(stage.now)
        for segment, definition in segments:
            expected = {name for name in history.alive() if is_member(definition, history.person(name), when)}
            assert await stage.members(segment) == expected, (definition, done)
            assert (await stage.preview(definition))["count"] == len(expected), (definition, done)
    assert "squash" in {word for word, _ in done}
