"""Where no number and no boolean is spelled like a text, texts are compared without a look at what the value is."""

from decimal import Decimal

import pytest
from pyroaring import BitMap

from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.scope import Scope
from tests.fixtures.apps import START
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

VALUES = [
    "acme", "ACME", "true", "True", True, False, 0, 5, -5, Decimal("0.5"), Decimal("1E+1000"), "1E+1000", "1e+1000",
    "E", "-", ".", "5", "05", "", None, [], ["acme"], {"acme": "acme"}, "e", "ſ",
]  # fmt: skip


@pytest.mark.parametrize("ignore_case", [False, True])
async def test_values_meet_texts_and_numbers_as_the_oracle_says(tmp_path, ignore_case):
    people = {
        number: Person(traits={"t": value}, events=[("e", START, {"p": value})])
        for number, value in enumerate(VALUES, start=1)
    }
    people[100] = Person()
    texts = [value for value in VALUES if isinstance(value, str) and value]
    operands = [
        *({"op": "equals", "value": text, "ignore_case": ignore_case} for text in texts),
        *({"op": "in", "value": [text, "another"], "ignore_case": ignore_case} for text in texts),
        *({"op": op, "value": number} for op in ("gt", "gte", "lt", "lte", "equals") for number in (-1, 0, 1)),
    ]
    bodies = [{"trait": "t", **test} for test in operands]
    bodies += [{"did": "e", "where": [{"prop": "p", **test}]} for test in operands]
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people)
        inquiry = Inquiry(Moment(START))
        formulas = [parsed(body).formula(inquiry) for body in bodies]
        atoms = await ask(store, inquiry, Scope(1, None))
        for body, formula in zip(bodies, formulas, strict=True):
            found = answer_one(formula, atoms=atoms, among=BitMap(people), members={})
            assert set(found) == {number for number in people if is_member(body, people[number], When(START))}, body
