"""Whatever text stands wherever in a definition is a literal: each text of each example, by those of a corpus.

Each place meets every fifth text and each text every fifth place, in turn; RAPPORT_EVERY=1 tries all with all.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyroaring import BitMap

from services.segment.conditions.catalogue import grammar
from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.language import examples
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.scope import Scope
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member
from tests.segment.test_bad_input import CORPUS

NOW = datetime(2024, 5, 6, 12, tzinfo=UTC)
HALF_WAY = datetime(2024, 5, 6, 11, tzinfo=UTC)
EVERY = int(os.environ.get("RAPPORT_EVERY", "5"))
TEXTS = list(dict.fromkeys(CORPUS))
BEYOND_THE_ORACLE = ("message", "journey", "in_segment", "not_in_segment", "manual_only")


def replaced(value: Any, by: str) -> Iterator[Any]:
    """Yield the value with one of its texts replaced, for each text in it; also where a member is named."""
    match value:
        case str():
            yield by
        case list():
            for position, item in enumerate(value):
                yield from ([*value[:position], other, *value[position + 1 :]] for other in replaced(item, by))
        case dict():
            for key, item in value.items():
                yield from ({**value, key: other} for other in replaced(item, by))
                yield {by if name == key else name: other for name, other in value.items()}


def variants(text: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield every example with one text replaced, and whether it is a valid definition."""
    for _, example in examples(grammar()):
        for body in replaced(dict(example.body), text):
            if body.get("op") == "matches":
                continue  # a text of the corpus is no literal there: test_bad_input puts them as patterns
            yield body, valid(body)


def valid(body: dict[str, Any]) -> bool:
    """Return whether a definition can be read."""
    try:
        parsed(body)
    except InvalidDefinition:
        return False
    return True


def a_person(text: str) -> Person:
    """Return somebody whose every name and value is one text."""
    properties = {text: text, "p": text, "item": {"brand": text, text: text}, "amount": 1, "won": True}
    names = [text, "bought", "seen", "cart", "game_ended", "mall_shop"]
    traits = {text: text, "t": text, "age": text, "address": {"city": text, text: text}}
    return Person(
        traits,
        dict.fromkeys(traits, HALF_WAY),
        # one after the other: of events of one instant nobody knows the order
        [(name, HALF_WAY + timedelta(seconds=second), properties) for second, name in enumerate(names)],
        known=HALF_WAY,
        accounts=[{"plan": text, text: text, "seats": 80}],
    )


@pytest.mark.timeout(900)
async def test_every_text_of_every_condition_is_a_literal_or_refused(tmp_path):
    persons = {number: a_person(text) for number, text in enumerate(TEXTS, start=1)}
    others = {1000 + number: person for number, person in persons.items()}
    tried = [(turn, pair) for turn, text in enumerate(TEXTS) for pair in enumerate(variants(text))]
    bodies = [body for turn, (place, (body, fits)) in tried if fits and (turn + place) % EVERY == 0]
    assert len(bodies) > 30 * len(TEXTS) // EVERY
    moment, when = Moment(NOW, "UTC"), When(NOW, "UTC")
    held = 0
    async with a_columnar_store(tmp_path) as store:
        await put(store, 2, others)
        await put(store, 1, persons)
        for start in range(0, len(bodies), 150):
            some = bodies[start : start + 150]
            inquiry = Inquiry(moment)
            formulas = [parsed(body).formula(inquiry) for body in some]
            atoms = await ask(store, inquiry, Scope(1, None))
            assert all(max(found, default=0) < 1000 for found in atoms), "somebody of another workspace"
            for body, formula in zip(some, formulas, strict=True):
                found = set(answer_one(formula, atoms=atoms, among=BitMap(persons), members={}))
                if not any(key in body for key in BEYOND_THE_ORACLE):
                    expected = {number for number, person in persons.items() if is_member(body, person, when)}
                    assert found == expected, body
                held += len(found)
        assert await store.rows("select count() as n from event", {}) == [{"n": 14 * len(TEXTS)}]
    assert held > len(TEXTS)


@pytest.mark.timeout(900)
async def test_the_service_answers_each_of_them_or_says_what_is_wrong(stage):
    await stage.create("kim")
    for turn, text in enumerate(("';drop table event;--", "\\'", "{p0:String}", "\x00", "金卡", "x" * 5000)):
        told = [pair for place, pair in enumerate(variants(text)) if (turn + place) % EVERY == 0]
        body = {"definition": {"any": [body for body, fits in told if fits and "in_segment" not in str(body)]}}
        answer = await stage.app.client.post("/v1/segment/preview", json=body)
        assert answer.status_code == 200, (text, answer.text)
        for definition in [body for body, fits in told if not fits][::3]:
            answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
            assert answer.status_code == 422, (definition, answer.text)
            assert answer.json()["errors"][0]["pointer"].startswith("/definition")
