"""A person is erased while it is not heard yet that he was parted from another."""

from datetime import timedelta

import pytest

from services.messaging.subscribers import on_person_erased, on_person_merged, on_person_split
from tests.messaging.stage import Stage
from tests.messaging.test_persons import a_merge, an_erasure, rounds
from tests.messaging.test_undone_merges import a_split, holdings


@pytest.mark.parametrize("erased", [1, 2])
async def test_an_erasure_heard_before_the_split_takes_what_is_his_and_leaves_the_other_all(
    idle_stage: Stage, erased: int
) -> None:
    stage = idle_stage
    later = (stage.now + timedelta(hours=1)).isoformat()
    for person_no in (1, 2):
        await stage.ask(person_no, "inbox")
        await stage.ask(person_no, "inbox", due_at=later)
    await rounds(stage)
    before = await holdings(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    await stage.hear(on_person_erased.handle, an_erasure(stage, erased))
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,))))
    left = {one for one, person_no in before["intent"] if person_no != erased}
    assert len(left) == 2
    assert await holdings(stage) == {table: [row for row in rows if row[0] in left] for table, rows in before.items()}
