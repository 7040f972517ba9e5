"""Sums are asked the short way where nothing odd is known of an event: the same answers, odd rows or none."""

import random
from decimal import Decimal

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask, statement
from services.segment.store.scope import Scope
from tests.fixtures.apps import START
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

AMOUNTS = (0, 1, -3, Decimal("0.1"), Decimal("0.2"), "12.5", "much", None, True, 2**53 + 1)
ODD = {
    "nothing": [],
    "another currency": [{"amount": 5, "currency": "EUR"}, {"amount": 5, "currency": "USD"}],
    "one currency": [{"amount": 5, "currency": "EUR"}, {"amount": 7, "currency": "eur"}],
    "a currency without an amount": [{"currency": "USD"}],
    "a number beyond exact ones": [{"amount": 10**28}, {"amount": -(10**30)}],
    "one beyond beside it": [{"amount": 1, "tax": 10**40}],
}
BODIES = [
    {"aggregate": function, "event": "bought", "prop": "amount", "op": op, "value": value, **more}
    for function in ("sum", "avg", "min", "max")
    for op, value in (("gt", 0), ("lte", Decimal("0.3")), ("equals", Decimal("0.3")), ("between", [-3, 10**20]))
    for more in ({}, {"convert": {"EUR": 1, "USD": "0.9", "": 2}}, {"window": {"last": "1 day"}})
]


@pytest.mark.parametrize("odd", ODD)
async def test_everybody_is_asked_the_short_way_and_told_the_same(tmp_path, odd):
    chance = random.Random(odd)

    def event():
        return "bought", START, {"amount": amount} if (amount := chance.choice(AMOUNTS)) is not None else {}

    people = {number: Person(events=[event() for _ in range(chance.randint(0, 4))]) for number in range(1, 40)}
    people[40] = Person(events=[("bought", START, props) for props in ODD[odd]])
    # of another event, which says nothing of this one
    people[41] = Person(events=[("paid", START, {"amount": 10**29, "currency": "USD"})])
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people)
        inquiry = Inquiry(Moment(START))
        formulas = [parsed(body).formula(inquiry) for body in BODIES]
        assert all(
            question.simply and question.simply in statement(inquiry, Scope(1, None)) for question in inquiry.questions
        )
        atoms = await ask(store, inquiry, Scope(1, None))
        for body, formula in zip(BODIES, formulas, strict=True):
            found = answer_one(formula, atoms=atoms, among=BitMap(people), members={})
            assert set(found) == {number for number in people if is_member(body, people[number], When(START))}, body
