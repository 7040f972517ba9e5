"""A live segment is deleted: its members are told that they exited, whoever is left of them."""

from libs.common.db import statement
from services.segment.store import departures, persons
from services.segment.store.persons import ERASED, MERGED
from tests.segment.stage import WORKSPACE

LEFT = statement(
    """
    select
        (select count(*) from segment.membership_chunk) as chunks,
        (select count(*) from segment.membership_sequence) as sequences,
        (select count(*) from segment.departure) as departures
    """
)


async def delete(stage, segment_id):
    answer = await stage.app.client.delete(f"/v1/segment/segments/{segment_id}")
    assert answer.status_code == 204, answer.text
    gone = await stage.app.client.get(f"/v1/segment/segments/{segment_id}")
    assert gone.status_code == 404, "it is gone at once; who is told follows"


async def left(stage):
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        return tuple((await tx.fetch_one(LEFT)).values())


async def test_the_members_of_a_deleted_segment_exit_page_after_page_and_nothing_is_left_of_it(stage, monkeypatch):
    monkeypatch.setattr(departures, "CHUNKS_AT_ONCE", 1)
    names = [f"p{number}" for number in range(5)]
    for number, name in enumerate(names):
        stage.names[name] = 1 + 5000 * number
        stage.person(name)
    buyers = await stage.segment({"did": "bought"})
    await stage.say(*[stage.recorded(name, "bought") for name in names])
    assert await left(stage) == (5, 5, 0)
    told = await stage.changes()
    assert [one[1:] for one in told] == [(name, "entered", "event") for name in names]
    await delete(stage, buyers)
    await stage.app.drain(WORKSPACE)
    assert await stage.changes() == [(buyers, name, "exited", "edit") for name in names]
    assert await left(stage) == (0, 0, 0)


async def test_who_was_merged_or_erased_before_he_is_told_is_not_told(stage):
    buyers = await stage.segment({"did": "bought"})
    for name in ("kim", "lea", "max"):
        await stage.event(name, "bought")
    await stage.changes()
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await persons.set_state(tx, WORKSPACE, [(stage.person("kim"), None, 10)], state=MERGED, merged_into=9)
        await persons.set_state(tx, WORKSPACE, [(stage.person("lea"), None, 10)], state=ERASED)
    await delete(stage, buyers)
    await stage.app.drain(WORKSPACE)
    assert await stage.changes() == [(buyers, "max", "exited", "edit")]
    assert await left(stage) == (0, 0, 0)


async def test_nobody_is_told_of_a_draft_or_a_snapshot_that_is_deleted(stage):
    buyers = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    answer = await stage.app.client.post(f"/v1/segment/segments/{buyers}/snapshot", json={"name": "then"})
    draft = await stage.segment({"did": "bought"}, state="draft")
    await stage.changes()
    for one in (answer.json()["segment_id"], draft):
        await delete(stage, one)
    await stage.app.drain(WORKSPACE)
    assert await stage.changes() == [], "nobody was told that he had entered either"
    assert await left(stage) == (1, 1, 0)
