"""Events of those asked about are read once into a table of their own, which does not outlast the question."""

from datetime import timedelta
from functools import partial

import pytest
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import evaluate
from services.segment.domain.moment import Moment
from services.segment.store import gathering
from services.segment.store.asking_few import ask_few
from services.segment.store.columnar import KEPT, QueryTooHeavy
from services.segment.store.columnar_schema import BY_PERSON, OPENED, PACKED
from services.segment.store.scope import Scope
from tests.segment.columnar import START, a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

BODIES = [
    {"did": "paid", "where": [{"prop": "amount", "op": "gt", "value": 2}]},
    {"aggregate": "sum", "event": "paid", "prop": "amount", "op": "gte", "value": 9},
    {"sequence": [{"event": "seen"}, {"event": "paid"}], "same": "product"},
    {"sequence": [{"event": "paid"}, {"event": "seen"}], "max_gap": "5 minutes"},
    {"did": "seen", "count": {"op": "gte", "n": 3}},
]
WHEN = When(START + timedelta(hours=2), "UTC", {})


def people() -> dict[int, Person]:
    """Sixty persons, each with events of his own."""
    return {
        number: Person(traits={}, events=[happened(number, step) for step in range(number % 7)])
        for number in range(1, 61)
    }


def happened(number, step):
    """An event of a person."""
    time = START + timedelta(minutes=number + 3 * step)
    return ("seen", "paid")[step % 2], time, {"amount": step, "product": f"p{step // 2}"}


async def answers(store, asked):
    inquiry = Inquiry(Moment(WHEN.now))
    formulas = [parsed(body).formula(inquiry) for body in BODIES]
    atoms = await ask_few(store, inquiry, Scope(1, None, asked, asked))
    return [
        set(evaluate(formula, atoms=atoms, universe=BitMap(asked), members=lambda _: BitMap())) for formula in formulas
    ]


async def tables(store):
    return [row["name"] for row in await store.rows(f"select name from system.tables where database = '{KEPT}'", {})]


@pytest.mark.parametrize("most", [gathering.MOST_ROWS, 10])
async def test_the_answers_are_the_same_whether_the_rows_are_kept_or_too_many(tmp_path, monkeypatch, most):
    monkeypatch.setattr(gathering, "MOST_ROWS", most)
    told = people()
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, told)
        asked = list(range(5, 50, 2))
        expected = [{number for number in asked if is_member(body, told[number], WHEN)} for body in BODIES]
        assert all(expected)
        assert await answers(store, asked) == expected
        assert await tables(store) == []


async def test_nothing_is_left_of_a_question_that_is_too_heavy(tmp_path, monkeypatch):
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people())
        fill = store.fill

        async def heavy(sql, parameters):
            await fill(sql, parameters)
            raise QueryTooHeavy("this was too much")

        monkeypatch.setattr(store, "fill", heavy)
        with pytest.raises(QueryTooHeavy):
            await answers(store, [1, 2, 3])
        assert await tables(store) == []


async def test_who_is_touched_is_read_by_the_order_of_persons(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        await store.command(
            "insert into event (workspace_id, name, person_no, event_time)"
            " select 1, concat('event ', toString(number % 20)), number % 5000, now() from numbers(50000)"
        )
        inquiry = Inquiry(Moment(WHEN.now))
        for name in range(20):
            parsed({"did": f"event {name}"}).formula(inquiry)
        seen: list[str] = []
        ask = store.ask

        async def listening(sql, parameters, **options):
            plan = await ask(f"explain {sql}", parameters, **options)
            seen.extend(plan.column(0).to_pylist())
            return await ask(sql, parameters, **options)

        store.ask = listening
        await ask_few(store, inquiry, Scope(1, None, [5, 9], [5, 9]))
        assert any(f"ReadFromMergeTree ({BY_PERSON})" in line for line in seen), seen


async def listening(said, call, sql, *rest, **options):
    """Note a statement, and put it."""
    said.append(sql)
    return await call(sql, *rest, **options)


async def test_what_others_read_anyway_is_not_read_again(tmp_path, monkeypatch):
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, people())
        said: list[str] = []
        for called in ("ask", "command"):
            monkeypatch.setattr(store, called, partial(listening, said, getattr(store, called)))
        await answers(store, list(range(5, 50, 2)))
        # "seen, three times" looks at no property, and at no event that a sequence does not look at
        assert sum("from event prewhere" in sql for sql in said) == 1


AWKWARD = [
    *(
        'it\'s "quoted"',
        "back\\slash \\n \\",
        "line\nbreak\ttab\rreturn",
        "nul \0 nul",
        "\x01\x1b",
        "",
        "{'a':1}",
        "),(",
    ),
    *("[]", "逗号，'引号'", "👩\u200d👩\u200d👧", "2024-02-29T12:00:00Z", "1901-01-01", "2299-12-31T23:59:59.999999Z"),
    *(0.1, -0.0, 1e308, 5e-324, 123456789012345678, -1, 2**53 + 1, 0.30000000000000004, True, False, None),
    *(["a'b", "c\\", ""], [], {"deep": {"er": "x'y"}}),
]


async def test_what_lies_packed_opens_as_it_went_in(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        told = {
            number: Person(traits={}, events=[("paid", START, {f"k{number}": value, "it's \\ odd": value})])
            for number, value in enumerate(AWKWARD, start=1)
        }
        await put(store, 1, told)
        for column in PACKED:
            opened = f"toString(opened.{column})"
            rows = await store.rows(
                f"select person_no, toString({column}) as laid, {opened} as found"
                f" from (select *, {OPENED} as opened from event) order by person_no",
                {},
            )
            assert [row["person_no"] for row in rows] == list(told)
            assert [row for row in rows if row["laid"] != row["found"]] == [], column
            assert any(row["laid"] != "{}" for row in rows), column
