"""What stands beside a count is asked of those alone whom the count holds for, and answered the same."""

from datetime import timedelta

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store import crowds
from services.segment.store.asking import ask
from services.segment.store.scope import Scope
from tests.fixtures.apps import START
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

LOOKED_TWICE = {"did": "looked", "count": {"op": "gte", "n": 2}, "window": {"last": "3 days"}}
SPENT = {"aggregate": "sum", "event": "bought", "prop": "amount", "op": "gt", "value": 20}
AT_MOST = {"aggregate": "max", "event": "bought", "prop": "amount", "op": "lte", "value": 12}
OLD_OR_HERE = {
    "any": [{"trait": "age", "op": "gte", "value": 40}, {"trait": "city", "op": "in", "value": ["Wuhan", "Xi'an"]}]
}
BODIES = [
    {"all": [LOOKED_TWICE, SPENT, {"none": [{"did": "complained"}]}, OLD_OR_HERE]},
    {"all": [LOOKED_TWICE, {"none": [AT_MOST]}, {"did": "bought"}]},
    {"all": [{"all": [{"did": "complained"}, LOOKED_TWICE]}, {"any": [SPENT, AT_MOST]}]},
    {"any": [LOOKED_TWICE, SPENT]},
]
PEOPLE = {
    number: Person(
        traits={"age": 20 + number, "city": ("Wuhan", "Lanzhou", "Xi'an")[number % 3]} if number % 4 else {},
        events=[
            *(("looked", START - timedelta(hours=9 * one), {}) for one in range(number % 5)),
            *(("bought", START - timedelta(hours=5 * one), {"amount": number % 17}) for one in range(number % 7)),
            *(("complained", START - timedelta(hours=1), {}) for _ in range(number % 11 == 0)),
        ],
    )
    for number in (*range(1, 60), 70_000)
}  # fmt: skip


@pytest.fixture
async def store(tmp_path, monkeypatch):
    async with a_columnar_store(tmp_path) as opened:
        await put(opened, 1, PEOPLE)
        monkeypatch.setattr(opened, "statements", [], raising=False)
        of_store = opened.ask

        async def noted(sql, parameters, **options):
            opened.statements.append(sql)
            return await of_store(sql, parameters, **options)

        monkeypatch.setattr(opened, "ask", noted)
        yield opened


async def members(store, bodies):
    inquiry = Inquiry(Moment(START))
    formulas = [parsed(body).formula(inquiry) for body in bodies]
    atoms = await ask(store, inquiry, Scope(1, None), formulas)
    return [set(answer_one(formula, atoms=atoms, among=BitMap(PEOPLE), members={})) for formula in formulas]


def expected(body):
    return {number for number, person in PEOPLE.items() if is_member(body, person, When(START))}


@pytest.mark.parametrize("most", [500_000, 3])
@pytest.mark.parametrize("body", BODIES)
async def test_the_same_persons_are_found(store, monkeypatch, body, most):
    monkeypatch.setattr(crowds, "MOST", most)
    assert expected(body)
    assert await members(store, [body]) == [expected(body)]


async def test_the_same_persons_are_found_for_many_at_once(store):
    assert await members(store, BODIES) == [expected(body) for body in BODIES]


async def test_the_count_is_asked_first_and_a_sum_of_whom_it_holds_for(store):
    await members(store, [BODIES[0]])
    (count,) = [sql for sql in store.statements if "from event" in sql and "worth" not in sql and "g0" not in sql][:1]
    (summed,) = [sql for sql in store.statements if " as worth" in sql]
    assert "crowd_" in summed
    assert store.statements.index(count) < store.statements.index(summed)
    assert not [sql for sql in store.statements if "crowd_" in sql and sql != summed]
    left = await store.rows("select count() as tables from system.tables where name like 'crowd_%'", {})
    assert left == [{"tables": 0}]


async def test_where_a_count_holds_for_nobody_nothing_dearer_is_asked(store):
    never = {"did": "never", "count": {"op": "gte", "n": 2}}
    assert await members(store, [{"all": [never, SPENT, {"none": [AT_MOST]}, OLD_OR_HERE]}]) == [set()]
    assert not [sql for sql in store.statements if "worth" in sql or "w0" in sql]


async def test_where_a_count_holds_for_very_many_the_rest_is_asked_of_everybody(store, monkeypatch):
    monkeypatch.setattr(crowds, "MOST", 3)
    await members(store, [BODIES[0]])
    assert not [sql for sql in store.statements if "crowd_" in sql]
