"""Merges and changes of hands arrive in any order: who owns what in the end is the same."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.db import statement
from libs.common.ids import new_id
from services.segment.store import persons
from services.segment.store.spans import OwnershipFact
from services.segment.usecases.change_owners import change_owners
from services.segment.usecases.merge_persons import merge_persons
from services.segment.usecases.split_person import split_person
from services.segment.usecases.stage_events import Happening, stage_events
from tests.fixtures.apps import START
from tests.segment.stage import WORKSPACE

IDS = {number: new_id() for number in range(1, 6)}
OWNED = {(-2, 1), (-3, 1), (-4, 1), (-5, 5), (101, 1), (102, 5), (103, 1)}
# (5 stays alone) 4 into 3, 3 into 2, 2 into 1; own events before, between and after
FACTS = [
    ("own", 101, 4, 1), ("own", 102, 3, 2), ("merge", 3, 4, 3), ("own", 103, 3, 4), ("merge", 2, 3, 5),
    ("own", 102, 5, 6), ("merge", 1, 2, 7), *(("event", -number, number, 0) for number in (2, 3, 4, 5)),
]  # fmt: skip
SUBJECTS = statement("select subject_no, person_no from segment.subject where workspace_id = 1")


@pytest.fixture
async def merging_database(database_of):
    return (await database_of("segment")).worker


async def apply(tx, fact):
    kind, first, second, version = fact
    common = {"workspace_id": WORKSPACE, "event_id": new_id(), "received_at": START}
    if kind == "own":
        await change_owners(tx, facts=[OwnershipFact(first, second, version)], **common)
    elif kind == "merge":
        absorbed = {second: IDS[second]}
        await merge_persons(tx, survivor=first, survivor_id=IDS[first], absorbed=absorbed, version=version, **common)
    else:
        happening = Happening("e", second, 0, START, START, new_id(), {}, person_id=IDS[second])
        await stage_events(tx, workspace_id=WORKSPACE, happenings=[happening])


async def forget(tx):
    for table in ("person", "subject", "touch", "staged"):
        await tx.execute(statement(f"delete from segment.{table} where workspace_id = 1"))


@given(facts=st.permutations(FACTS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_of_merges_ends_with_the_same_owners(merging_database, facts):
    async with merging_database.transaction(WORKSPACE) as tx:
        await forget(tx)
        for fact in facts:
            await apply(tx, fact)
        owned = {(row["subject_no"], row["person_no"]) for row in await tx.fetch(SUBJECTS)}
        assert owned == OWNED
        assert await persons.present(tx, WORKSPACE, [1, 2, 3, 4, 5]) == {2: 1, 3: 1, 4: 1}
        assert set(await persons.everybody(tx, WORKSPACE)) == {1, 5}


async def test_an_old_merge_does_not_end_him_who_survived_a_later_one(merging_database):
    async with merging_database.transaction(WORKSPACE) as tx:
        await forget(tx)
        await apply(tx, ("event", -1, 1, 0))
        await apply(tx, ("merge", 1, 2, 9))
        await apply(tx, ("merge", 2, 1, 3))
        assert await persons.present(tx, WORKSPACE, [1, 2]) == {2: 1}
        assert [(row["subject_no"], row["person_no"]) for row in await tx.fetch(SUBJECTS)] == [(-1, 1)]


async def test_a_change_of_hands_waits_for_the_split_that_is_about_his_new_owner(merging_database):
    events = [("event", -1, 1, 0), ("event", -2, 2, 0)]
    async with merging_database.transaction(WORKSPACE) as tx:
        await forget(tx)
        for fact in (*events, ("own", 101, 2, 1), ("merge", 1, 2, 2), ("own", 101, 1, 2)):
            await apply(tx, fact)

    async def own() -> None:
        async with merging_database.transaction(WORKSPACE) as tx:
            await apply(tx, ("own", 101, 2, 3))

    common = {"workspace_id": WORKSPACE, "event_id": new_id(), "received_at": START}
    async with merging_database.transaction(WORKSPACE) as tx:
        await split_person(tx, remaining=1, parts=[(2, IDS[2], (101,), True)], version=3, **common)
        # he is still merged for everybody else, and must not be read so
        owning = asyncio.create_task(own())
        await asyncio.sleep(0.2)
        assert not owning.done()
    await owning
    async with merging_database.transaction(WORKSPACE) as tx:
        owned = {(row["subject_no"], row["person_no"]) for row in await tx.fetch(SUBJECTS)}
    assert owned == {(-1, 1), (-2, 2), (101, 2)}


async def test_two_merges_applied_side_by_side_settle_in_the_next_round(stage):
    await stage.create("ada", "bob", "cid")
    bought = await stage.segment({"did": "bought"})
    await stage.event("bob", "bought")
    ada, bob, cid = (stage.person(name) for name in ("ada", "bob", "cid"))
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        # what is left when neither of two transactions saw the other: bob into ada, ada into cid
        merged = statement(
            "update segment.person set state = 2, version = 9, merged_into = :into where person_no = :person_no"
        )
        await tx.execute(merged, person_no=bob, into=ada)
        await tx.execute(merged, person_no=ada, into=cid)
        await tx.execute(statement("update segment.subject set person_no = :ada"), ada=ada)
        touch = "insert into segment.touch (workspace_id, person_no, cause, received_at) values (1, :who, 'merge', :at)"
        for who in (ada, bob):
            await tx.execute(statement(touch), who=who, at=stage.now)
    stage.app.runtime.wake("answer_rounds")
    await stage.app.drain(WORKSPACE)
    assert await stage.members(bought) == {"cid"}
    await stage.assert_no_drift()


@pytest.mark.parametrize("order", [("bob", "cid"), ("cid", "bob")])
async def test_lists_say_the_same_whatever_the_order_of_merges_and_after_their_undoing(stage, order):
    segment = await stage.segment({"did": "bought"})
    await stage.create("ada", "bob", "cid", "dan")
    lists = {"include": [stage.person("bob"), stage.person("dan")], "exclude": [stage.person("cid")]}
    await stage.app.client.put(f"/v1/segment/segments/{segment}/lists", json=lists)
    await stage.app.drain()
    assert await stage.members(segment) == {"bob", "dan"}
    for absorbed in order:
        await stage.merge("ada", absorbed)
    assert await stage.members(segment) == {"dan"}, "one of them was excluded"
    body = {"segment_id": segment, "person_no": stage.person("ada")}
    assert (await stage.app.client.post("/v1/segment/explain", json=body)).json()["manual"] == "exclude"
    await stage.split("ada", "cid", 1000 + stage.person("cid"))
    assert await stage.members(segment) == {"ada", "dan"}
    await stage.split("ada", "bob", 1000 + stage.person("bob"))
    assert await stage.members(segment) == {"bob", "dan"}
