"""Case 25 in messaging: who is back by a device alone has his messages again."""

import pytest

from libs.common.contracts.identity.person_created import PersonCreated
from services.messaging.subscribers import on_person_created, on_person_merged
from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import Stage
from tests.messaging.test_persons import a_merge, rounds
from tests.messaging.test_undone_merges import holdings, owner_of


def back(stage: Stage, person_no: int, version: int, *, revived: bool = True) -> PersonCreated:
    return PersonCreated(
        workspace_id=1, person_no=person_no, person_id=person_id_of(person_no), received_at=stage.now,
        occurred_at=stage.now, graph_version=version, revived=revived,
    )  # fmt: skip


@pytest.mark.parametrize("late", [False, True], ids=["in order", "heard before the merge"])
async def test_case_25_who_is_back_by_a_device_alone_has_his_messages_again(idle_stage: Stage, *, late: bool) -> None:
    stage = idle_stage
    stage.provider("push")
    message = await stage.ask(2, "push")
    await rounds(stage)
    before = await holdings(stage)
    news = [(on_person_merged, a_merge(stage, 1, 2)), (on_person_created, back(stage, 2, 2))]
    for subscriber, event in reversed(news) if late else news:
        await stage.hear(subscriber.handle, event)
    assert await holdings(stage) == before
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=3))
    assert await owner_of(stage, message) == 1


async def test_an_owner_who_tells_again_that_somebody_lives_is_heard_where_he_was_merged(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    message = await stage.ask(2, "push")
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    assert await owner_of(stage, message) == 1
    await stage.hear(on_person_created.handle, back(stage, 2, 2, revived=False), back(stage, 7, 2, revived=False))
    assert await owner_of(stage, message) == 2
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        assert await tx.driver.fetchval("select count(*) from person where person_no = 7") == 0
