"""The history of a segment's size adds up, whoever came or left, with a word or without."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from libs.common.ids import new_id
from services.segment.domain.answer import Change
from services.segment.domain.world import LiveSegment
from services.segment.store.worlds import definition_of
from services.segment.usecases.settle_changes import resized

PEOPLE = st.frozensets(st.integers(1, 12))
DEFINITION = definition_of('{"did":"a"}')


async def sizes(stage, segment_id):
    found = (await stage.app.client.get(f"/v1/segment/segments/{segment_id}/sizes")).json()
    return [(one["size"], one["entered"], one["exited"]) for one in found]


@given(members=PEOPLE, after=PEOPLE, vanished=PEOPLE)
def test_a_size_is_the_one_before_with_who_came_without_who_left(members, after, vanished):
    segment = LiveSegment(new_id(), 1, DEFINITION, BitMap(members))
    change = Change(segment, BitMap(after - members), BitMap(members - after))
    told = resized(change, BitMap(vanished))
    assert told.size == len(after - vanished) == len(members) + told.entered - told.exited
    assert told.exited == len(members - (after - vanished))


async def test_who_leaves_without_a_word_is_counted_as_who_comes_back_without_one_is(stage):
    segment = await stage.segment({"did": "a"})
    for name in ("kim", "max"):
        await stage.event(name, "a")
    assert await sizes(stage, segment) == [(2, 2, 0)]
    await stage.merge("kim", "max")
    assert await sizes(stage, segment) == [(1, 2, 1)]
    await stage.split("kim", "max", 1000 + stage.person("max"))
    assert await sizes(stage, segment) == [(2, 3, 1)]
    await stage.pass_time(hours=1)
    await stage.erase("max")
    assert await sizes(stage, segment) == [(1, 0, 1), (2, 3, 1)]


async def test_a_snapshot_has_a_history_from_the_hour_it_was_taken(stage):
    segment = await stage.segment({"did": "a"})
    for name in ("kim", "lea", "max"):
        await stage.event(name, "a")
    await stage.pass_time(hours=5)
    answer = await stage.app.client.post(f"/v1/segment/segments/{segment}/snapshot", json={"name": "then"})
    frozen = answer.json()["segment_id"]
    assert await sizes(stage, frozen) == [(3, 3, 0)]
    await stage.pass_time(hours=1)
    await stage.merge("zoe", "kim", "lea")
    assert await sizes(stage, frozen) == [(2, 1, 2), (3, 3, 0)]
