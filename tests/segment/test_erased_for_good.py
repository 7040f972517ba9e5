"""Whatever is being taken in while somebody is erased, nothing of his is left in the columnar store."""

import asyncio
import json

from libs.common.ids import new_id
from services.segment.jobs import answer_rounds
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


async def test_who_is_erased_is_on_no_list_while_rounds_wait(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    for name in ("kim", "lea"):
        await stage.event(name, "bought")
    assert await stage.members(segment) == {"kim", "lea"}

    async def waits(*_):
        # the columnar store is being rebuilt
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(answer_rounds, "run_round", waits)
        erasing = asyncio.create_task(stage.erase("kim"))
        async with asyncio.timeout(60):
            while await stage.members(segment) != {"lea"}:
                await asyncio.sleep(0.02)
        assert not erasing.done()
        exported = await stage.app.client.get(f"/v1/segment/segments/{segment}/export", params={"form": "ndjson"})
        assert [json.loads(line)["person_no"] for line in exported.text.splitlines()] == [stage.person("lea")]
    await erasing
    assert await stage.members(segment) == {"lea"}
