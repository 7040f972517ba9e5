"""Sequences that differ in their names and values alone are asked as one expression, and answered as each alone."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import evaluate
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.store.asking_alike import ENOUGH_ALIKE, several_alike
from services.segment.store.asking_few import ask_few
from services.segment.store.scope import Scope
from tests.segment.columnar import START, a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

NAMES = ["seen", "put", "paid", "left", "back"]
_workspaces = count(1)

events = st.tuples(
    st.sampled_from(NAMES),
    st.integers(0, 240).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.sampled_from([{}, {"product": "p1"}, {"product": "p2"}, {"product": 1}]),
)
# of two events of one instant it is the ids, drawn by chance, that say which came first
people = st.lists(events, max_size=12, unique_by=lambda event: event[1]).map(
    lambda done: Person(traits={}, events=done)
)


@st.composite
def alike(draw):
    """Sequences of one shape: as many steps, with or without a gap, a window, the same property, something between."""
    steps = draw(st.integers(2, 3))
    gap, window, same, without = (draw(st.booleans()) for _ in range(4))
    bodies = []
    for _ in range(draw(st.integers(ENOUGH_ALIKE, 8))):
        body = {"sequence": [{"event": draw(st.sampled_from(NAMES))} for _ in range(steps)]}
        body |= {"max_gap": f"{draw(st.integers(1, 90))} minutes"} if gap else {}
        body |= {"window": {"last": f"{draw(st.integers(1, 5))} hours"}} if window else {}
        body |= {"same": "product"} if same else {}
        body |= {"without": [{"event": draw(st.sampled_from(NAMES))}]} if without else {}
        bodies.append(body)
    return bodies


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def store(loop, tmp_path_factory):
    manager = a_columnar_store(tmp_path_factory.mktemp("alike"))
    yield loop.run_until_complete(manager.__aenter__())
    loop.run_until_complete(manager.__aexit__(None, None, None))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(alike(), st.lists(people, min_size=2, max_size=6), st.integers(60, 360), st.booleans())
def test_alike_sequences_are_answered_as_each_alone(loop, store, bodies, persons, minutes, merged):
    workspace_id, numbered = next(_workspaces), dict(enumerate(persons, start=1))
    when = When(START + timedelta(minutes=minutes, microseconds=7), "UTC", {})

    async def compare():
        await put(store, workspace_id, numbered)
        inquiry = Inquiry(Moment(when.now))
        formulas = [parsed(body).formula(inquiry) for body in bodies]
        groups, others = several_alike(list(enumerate(inquiry.questions)))
        if len(inquiry.questions) >= ENOUGH_ALIKE:
            assert ([len(group) for group in groups], others) == ([len(inquiry.questions)], [])
        scope = Scope(workspace_id, Moved() if merged else None, list(numbered), list(numbered))
        atoms = await ask_few(store, inquiry, scope)
        for body, formula in zip(bodies, formulas, strict=True):
            found = evaluate(formula, atoms=atoms, universe=BitMap(numbered), members=lambda _: BitMap())
            assert set(found) == {n for n, person in numbered.items() if is_member(body, person, when)}, body

    loop.run_until_complete(compare())


def test_a_pattern_is_not_taken_from_a_list():
    inquiry = Inquiry(Moment(START))
    for number in range(ENOUGH_ALIKE):
        where = [{"prop": "product", "op": "matches", "value": f"^p{number}"}]
        parsed({"sequence": [{"event": "seen", "where": where}, {"event": "paid"}]}).formula(inquiry)
    groups, others = several_alike(list(enumerate(inquiry.questions)))
    assert groups == []
    assert len(others) == ENOUGH_ALIKE
