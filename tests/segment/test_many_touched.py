"""When very many are touched at once everybody is asked about, and the answers are the same."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import Reason
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment, World
from services.segment.store.persons import ALIVE
from services.segment.usecases import answer_touches
from services.segment.usecases.answer_touches import Touched
from tests.segment.columnar import START, a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

BODIES = [
    {"did": "paid", "count": {"op": "gte", "n": 2}, "window": {"last": "1 hour"}},
    {"none": [{"did": "paid", "window": {"last": "1 hour"}}]},
    {"all": [{"trait": "city", "op": "equals", "value": "Rome"}, {"none": [{"did": "seen"}]}]},
]
NOW = START + timedelta(hours=2)
WHEN = When(NOW, "UTC", {})


def happened(number: int, step: int) -> tuple[str, datetime, dict[str, object]]:
    """An event of a person."""
    return ("paid", "seen")[(number + step) % 2], NOW - timedelta(minutes=20 * step), {}


def people() -> dict[int, Person]:
    """Forty persons."""
    return {
        number: Person(
            traits={"city": ("Rome", "Oslo")[number % 2]},
            events=[
                (("paid", "seen")[(number + step) % 2], NOW - timedelta(minutes=20 * step), {})
                for step in range(number % 5)
            ],
        )
        for number in range(1, 41)
    }


@pytest.mark.parametrize("most", [answer_touches.MOST_NAMED, 5])
async def test_those_touched_are_answered_alike_by_their_numbers_and_among_everybody(tmp_path, monkeypatch, most):
    monkeypatch.setattr(answer_touches, "MOST_NAMED", most)
    told = people()
    touched = [number for number in told if number % 3]
    segments = {
        UUID(int=place): LiveSegment(UUID(int=place), 1, parsed(body), BitMap(range(1, 41, 2)))
        for place, body in enumerate(BODIES, start=1)
    }
    world = World(1, 1, START, BitMap(told), segments)
    reasons = {
        number: [Reason("event", NOW, concern, None) for concern in ("event:paid", "event:seen", "trait:city")]
        for number in touched
    }
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, told)
        answered = await answer_touches.answer_touches(
            store,
            world,
            Touched(reasons=reasons, people=dict.fromkeys(touched, (ALIVE, None)), stored_under=touched),
            Moment(NOW),
        )
    found = {change.segment.segment_id: (set(change.entered), set(change.exited)) for change in answered.changes}
    assert not answered.failed
    for place, body in enumerate(BODIES, start=1):
        now = {number for number in touched if is_member(body, told[number], WHEN)}
        before = {number for number in touched if number % 2}
        assert found.get(UUID(int=place), (set(), set())) == (now - before, before - now)
