"""Whatever is being taken in while somebody is erased, nothing of his is left in the columnar store."""

import asyncio

from libs.common.ids import new_id
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
