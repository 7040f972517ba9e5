"""A workspace whose rounds fail stops nobody else's."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.db import statement
from libs.common.errors import Unavailable
from libs.common.ids import new_id
from services.segment.domain.patience import LONGEST_PAUSE_SECONDS, Patience
from services.segment.jobs import answer_rounds, try_again
from services.segment.store import memberships
from services.segment.store.touches import Touch, add_touches
from tests.segment.stage import WORKSPACE

OTHER = 2


async def break_first_workspace(stage):
    """Leave members that cannot be read."""
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await tx.execute(
            statement(
                "insert into segment.membership_chunk (workspace_id, segment_id, chunk, bitmap)"
                " values (1, :segment_id, 0, 'no bitmap')"
            ),
            segment_id=new_id(),
        )
        await tx.execute(statement("update segment.round set revision = revision + 1 where workspace_id = 1"))
        await add_touches(tx, WORKSPACE, [Touch(1, "event", stage.now)])
    stage.app.runtime.wake("answer_rounds")


async def touches_of(stage, workspace_id):
    async with stage.app.runtime.worker_database.transaction(workspace_id) as tx:
        counted = statement("select count(*) from segment.touch where workspace_id = :workspace_id")
        return await tx.fetch_value(counted, workspace_id=workspace_id)


async def test_a_broken_workspace_does_not_stop_the_later_ones(stage):
    await stage.create("ada")
    await break_first_workspace(stage)
    async with asyncio.timeout(60):
        while not stage.app.runtime.parts.patience.failures.get(WORKSPACE):
            await asyncio.sleep(0.02)
        async with stage.app.runtime.worker_database.transaction(OTHER) as tx:
            await add_touches(tx, OTHER, [Touch(0, "event", stage.now)])
        stage.app.runtime.wake("answer_rounds")
        while await touches_of(stage, OTHER):
            await asyncio.sleep(0.02)
    assert await touches_of(stage, WORKSPACE), "what waits in the broken one stays until it can be answered"


async def test_a_definition_that_cannot_be_read_any_more_keeps_its_members_and_the_others_go_on(stage):
    old, other = await stage.segment({"did": "bought"}), await stage.segment({"did": "bought"}, name="other")
    on_top = await stage.segment({"in_segment": old}, name="on top")
    await stage.event("kim", "bought")
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await tx.execute(
            statement("update segment.segment_version set definition = :text where segment_id = :segment_id"),
            text='{"nonsense": 1}', segment_id=old,
        )  # fmt: skip
        await memberships.disturb(tx, WORKSPACE)
    await stage.event("lea", "bought")
    url = f"/v1/segment/segments/{old}"
    assert await stage.members(other) == {"kim", "lea"}
    assert await stage.members(old) == await stage.members(on_top) == {"kim"}, "as they stood"
    assert "cannot be read any more: this is no condition" in (await stage.app.client.get(url)).json()["trouble"]
    # tried again as what is too heavy is
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await tx.execute(statement("update segment.segment set tried_at = tried_at - interval '1 hour'"))
    await try_again.run(stage.app.runtime)
    await stage.app.drain()
    await stage.event("max", "bought")
    assert await stage.members(other) == {"kim", "lea", "max"}
    assert await stage.members(old) == {"kim"}
    assert (await stage.app.client.patch(url, json={"definition": {"did": "bought"}})).status_code == 200
    await stage.app.drain()
    assert await stage.members(old) == await stage.members(on_top) == {"kim", "lea", "max"}
    assert (await stage.app.client.get(url)).json()["trouble"] == ""


async def test_a_dependency_missing_for_all_is_the_loops_own_fault(stage, monkeypatch):
    await stage.create("ada")

    async def nobody_there(*_):
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(answer_rounds, "upcoming", nobody_there)
    stage.app.runtime.parts.patience = Patience()
    stage.app.runtime.parts.worlds.clear()
    with pytest.raises(Unavailable):
        await answer_rounds.run(stage.app.runtime)


def test_the_pause_grows_to_its_limit_and_ends_with_a_success():
    patience = Patience()
    pauses = [patience.failed(1, at=0) for _ in range(12)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    assert patience.in_turn([1, 2], at=9.9) == [2]
    assert set(patience.in_turn([1, 2], at=10)) == {1, 2}
    patience.succeeded(1)
    assert patience.failed(1, at=0) == pauses[0]


@given(st.sets(st.integers(1, 50), min_size=1))
def test_everybody_has_the_first_turn_in_time(workspaces):
    patience = Patience()
    turns = [patience.in_turn(workspaces, at=0) for _ in workspaces]
    assert {turn[0] for turn in turns} == workspaces
    assert all(set(turn) == workspaces and len(turn) == len(workspaces) for turn in turns)
