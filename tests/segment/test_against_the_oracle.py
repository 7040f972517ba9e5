"""The SQL, asked about everybody and about some persons only, agrees with the oracle person for person."""

import asyncio
import os
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.moment import Moment
from services.segment.domain.silence import Silence
from services.segment.store.asking import ask
from services.segment.store.asking_few import ask_few
from services.segment.store.scope import Scope
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.generated_values import START, TURNS, ZONES, pick
from tests.segment.generators import definitions, opt_outs, people
from tests.segment.oracle import When, is_member

_workspaces = count(1)
nows = st.one_of(
    st.integers(0, 700).map(lambda hours: START + timedelta(hours=hours)),
    st.builds(lambda turn, minutes: turn + timedelta(minutes=minutes), pick(TURNS), st.integers(0, 2000)),
)


def valid(definition):
    try:
        return parsed(definition)
    except InvalidDefinition:  # the generator makes some windows that end before they begin
        return None


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


EXAMPLES = int(os.environ.get("RAPPORT_EXAMPLES", "8"))


@pytest.fixture(scope="module")
def store(loop, tmp_path_factory):
    manager = a_columnar_store(tmp_path_factory.mktemp("oracle"))
    yield loop.run_until_complete(manager.__aenter__())
    loop.run_until_complete(manager.__aexit__(None, None, None))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(
    bodies=st.lists(definitions.filter(valid), min_size=10, max_size=25),
    persons=st.lists(people, min_size=3, max_size=8),
    nows=st.lists(nows, min_size=1, max_size=2),
    zone=pick(ZONES),
    opt_out=opt_outs,
)
def test_full_and_touched_questions_agree_with_the_oracle(loop, store, bodies, persons, nows, zone, opt_out):
    workspace_id = next(_workspaces)
    numbered = dict(enumerate(persons, start=1))

    async def compare():
        await put(store, workspace_id, numbered)
        universe, some = BitMap(numbered), list(numbered)[::2]
        for now in sorted(nows):
            when = When(now + timedelta(microseconds=7), zone, opt_out)
            moment = Moment(when.now, zone, silence=Silence(frozenset((*where, yes) for where, yes in opt_out.items())))
            expected = [
                {number for number, person in numbered.items() if is_member(body, person, when)} for body in bodies
            ]
            for narrowing in (False, True):
                full = await fused(store, workspace_id, bodies, universe, moment, None, narrowing=narrowing)
                assert [set(found) for found in full] == expected, (bodies, when, narrowing)
            touched = await fused(store, workspace_id, bodies, BitMap(some), moment, some)
            assert [set(found) for found in touched] == [found & set(some) for found in expected], (bodies, when)

    loop.run_until_complete(compare())


async def fused(store, workspace_id, bodies, among, moment, persons, *, narrowing=False):
    inquiry = Inquiry(moment)
    formulas = [parsed(body).formula(inquiry) for body in bodies]
    if persons is None:
        atoms = await ask(store, inquiry, Scope(workspace_id, None), formulas if narrowing else ())
    else:
        atoms = await ask_few(store, inquiry, Scope(workspace_id, None, persons, persons))
    return [answer_one(formula, atoms=atoms, among=among, members={}) for formula in formulas]
