"""Whatever is being taken in while somebody is erased, nothing of his is left in the columnar store."""

import asyncio
import json
from contextlib import asynccontextmanager

from libs.common.ids import new_id
from services.segment.api import questions
from services.segment.jobs import answer_rounds
from services.segment.store import persons
from services.segment.usecases.ask_everybody import ask_everybody
from services.segment.usecases.erase_person import erase_person
from services.segment.usecases.run_round import run_round
from services.segment.usecases.stage_traits import TraitFact, stage_traits
from tests.segment.stage import WORKSPACE


async def cities(stage):
    rows = await stage.app.runtime.parts.columnar.rows("select text from trait where name = 'city'", {})
    return [row["text"] for row in rows]


async def test_a_trait_that_is_taken_in_while_its_person_is_erased_is_dropped(stage):
    await stage.trait("kim", "city", "Rome")
    runtime, number = stage.app.runtime, stage.person("kim")
    stage.ids["kim"] = new_id()
    erased = asyncio.Event()

    async def take_in():
        async with runtime.worker_database.transaction(WORKSPACE) as tx:
            fact = TraitFact(number, "city", "Paris", 50, stage.now, stage.now, new_id())
            await stage_traits(tx, workspace_id=WORKSPACE, facts=[fact], sealer=runtime.sealer(WORKSPACE))
            # its commit comes after the rows of the erased are deleted
            await erased.wait()

    async with runtime.worker_database.transaction(WORKSPACE) as tx:
        await erase_person(
            tx,
            workspace_id=WORKSPACE,
            person_no=number,
            person_id=stage.ids["kim"],
            subject_nos=[1000 + number],
            version=stage.version(),
            event_id=new_id(),
            received_at=stage.now,
            erasure_id=new_id(),
        )
        taking_in = asyncio.create_task(take_in())
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.2)
    await run_round(runtime, WORKSPACE)
    assert await cities(stage) == []
    erased.set()
    await taking_in
    await stage.app.drain(WORKSPACE)
    assert await cities(stage) == []


async def is_there(stage, name):
    number = stage.person(name)
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        return number in await persons.still_there(tx, WORKSPACE, [number])


@asynccontextmanager
async def rounds_that_wait(stage, monkeypatch, happening, *, gone="kim"):
    """Let something happen, by which somebody is gone, that no round takes in until the block is left."""

    async def waits(*_):
        # the columnar store is being rebuilt, or somebody else's round is a long one
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(answer_rounds, "run_round", waits)
        begun = asyncio.create_task(happening)
        async with asyncio.timeout(60):
            while await is_there(stage, gone):
                await asyncio.sleep(0.02)
        assert not begun.done()
        yield
    await begun


async def exported(stage, segment):
    answer = await stage.app.client.get(f"/v1/segment/segments/{segment}/export", params={"form": "ndjson"})
    return {stage.name_of(json.loads(line)["person_no"]) for line in answer.text.splitlines()}


async def previewed(stage, definition):
    found = await stage.preview(definition)
    return {stage.name_of(one["person_no"]) for one in found["sample"]}, found["count"], found["universe"]


async def test_who_is_erased_is_on_no_list_while_rounds_wait(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    for name in ("kim", "lea"):
        await stage.event(name, "bought")
    assert await stage.members(segment) == {"kim", "lea"}
    async with rounds_that_wait(stage, monkeypatch, stage.erase("kim")):
        assert await stage.members(segment) == {"lea"}
        assert await exported(stage, segment) == {"lea"}
    assert await stage.members(segment) == {"lea"}


async def test_who_is_erased_is_in_no_preview_while_rounds_wait(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    for name in ("kim", "lea", "max"):
        await stage.event(name, "bought")
    asked = ({"did": "bought"}, {"none": [{"did": "seen"}]}, {"in_segment": segment})
    async with rounds_that_wait(stage, monkeypatch, stage.erase("kim")):
        for definition in asked:
            assert await previewed(stage, definition) == ({"lea", "max"}, 2, 2), definition
    for definition in asked:
        assert await previewed(stage, definition) == ({"lea", "max"}, 2, 2), definition


async def test_who_is_merged_is_shown_nowhere_while_rounds_wait(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    for name in ("kim", "lea"):
        await stage.event(name, "bought")
    async with rounds_that_wait(stage, monkeypatch, stage.merge("lea", "kim")):
        assert await stage.members(segment) == {"lea"}
        assert await exported(stage, segment) == {"lea"}
        assert await previewed(stage, {"did": "bought"}) == ({"lea"}, 1, 1)
        assert await previewed(stage, {"none": [{"did": "seen"}]}) == ({"lea"}, 1, 1)
    assert await stage.members(segment) == {"lea"}


async def test_who_is_erased_between_a_previews_answer_and_what_is_shown_of_it_is_in_no_sample(stage, monkeypatch):
    for name in ("kim", "lea"):
        await stage.event(name, "bought")

    async def asked(*given, **named):
        found = await ask_everybody(*given, **named)
        await stage.erase("kim")
        return found

    monkeypatch.setattr(questions, "ask_everybody", asked)
    sample, count, universe = await previewed(stage, {"did": "bought"})
    assert sample == {"lea"}
    assert (count, universe) == (2, 2), "as it was answered"
