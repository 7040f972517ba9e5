"""Why a change is told: what did it, through however many segments, and the clock only where the clock did."""

from datetime import UTC, datetime

from pyroaring import BitMap

from libs.common.ids import new_id
from services.segment.domain.answer import Change, Reason, Reasoning
from services.segment.domain.edges import Edge, Passed
from services.segment.domain.world import LiveSegment
from services.segment.store.worlds import definition_of, definition_text
from tests.segment.test_consent import consent

SEEN = {"did": "seen", "window": {"last": "7 days"}}
NOW = datetime(2023, 1, 1, tzinfo=UTC)
TIME = Reason("time", NOW)


def segment(definition):
    return LiveSegment(new_id(), 1, definition_of(definition_text(definition)))


def passed(one):
    """Return what the clock came upon where the segment's own window ends."""
    (edge, *_) = (edge for edge in one.edges if isinstance(edge, Edge))
    return Passed(edge.unnamed, edge.source, edge.name)


async def told(stage, **names):
    by_id = {segment_id: name for name, segment_id in names.items()}
    return {(by_id[one], word): cause for one, _, word, cause in await stage.changes()}


async def test_a_trait_that_changes_a_segment_referred_to_is_the_cause_whatever_window_is_beside_it(stage):
    inner = await stage.segment({"trait": "vip", "op": "equals", "value": True})
    outer = await stage.segment({"all": [{"in_segment": inner}, SEEN]})
    outermost = await stage.segment({"any": [{"in_segment": outer}, {"did": "q", "window": {"last": "1 day"}}]})
    await stage.event("kim", "seen")
    await stage.changes()
    await stage.trait("kim", "vip", True)
    names = {"inner": inner, "outer": outer, "outermost": outermost}
    assert await told(stage, **names) == {(name, "entered"): "trait" for name in names}
    await stage.pass_time(days=8)
    assert await told(stage, **names) == {(name, "exited"): "time" for name in ("outer", "outermost")}


async def test_a_consent_that_changes_a_segment_referred_to_is_the_cause(stage):
    inner = await stage.segment({"consented": {"purpose": "marketing", "channel": "email"}})
    outer = await stage.segment({"all": [{"in_segment": inner}, {"none": [SEEN]}]})
    await stage.create("kim")
    await stage.changes()
    for word, answer in (("entered", "granted"), ("exited", "denied")):
        await consent(stage, "kim", answer)
        assert await told(stage, inner=inner, outer=outer) == {("inner", word): "consent", ("outer", word): "consent"}


def test_what_changed_the_segment_referred_to_is_told_with_its_event():
    inner = segment({"trait": "vip", "op": "equals", "value": True})
    outer = segment({"all": [{"in_segment": str(inner.segment_id)}, SEEN]})
    vip = Reason("trait", NOW, "trait:vip", new_id())
    other = Reason("event", NOW, "event:other", new_id())
    changes = [Change(one, BitMap([7]), BitMap()) for one in (inner, outer)]
    reasoning = Reasoning({7: [other, vip]}, {}, changes, TIME)
    assert [reasoning.reason_for(one, 7) for one in (inner, outer)] == [vip, vip]


def test_the_clock_is_the_cause_for_those_whom_it_moved_alone():
    inner = segment(SEEN)
    outer = segment({"all": [{"in_segment": str(inner.segment_id)}, {"did": "q", "window": {"last": "1 day"}}]})
    other = Reason("event", NOW, "event:other", new_id())
    changes = [Change(one, BitMap(), BitMap([7, 8])) for one in (inner, outer)]
    reasoning = Reasoning({7: [other], 8: [other]}, {passed(inner): BitMap([7])}, changes, TIME)
    assert [reasoning.reason_for(one, 7) for one in (inner, outer)] == [TIME, TIME]
    assert [reasoning.reason_for(one, 8) for one in (inner, outer)] == [other, other], "nothing else is known of him"
    assert Reasoning({}, {}, changes, TIME).reason_for(inner, 9) == TIME


def test_who_is_asked_about_everything_has_that_for_a_cause():
    merge, seen = Reason("merge", NOW, "", new_id()), Reason("event", NOW, "event:seen", new_id())
    one = segment(SEEN)
    change = Change(one, BitMap([7]), BitMap())
    assert Reasoning({7: [merge, seen]}, {}, [change], TIME).reason_for(one, 7) == seen, "what it looks at comes first"
    assert Reasoning({7: [merge]}, {passed(one): BitMap([7])}, [change], TIME).reason_for(one, 7) == merge
