"""About a thousand persons the statement costs, not the rows: what is not said need not be analysed."""

from datetime import timedelta
from functools import partial

from pyroaring import BitMap

from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import evaluate
from services.segment.domain.moment import Moment
from services.segment.store.asking_few import ask_few
from services.segment.store.columnar import Columnar
from services.segment.store.scope import Scope
from tests.segment.columnar import START, a_columnar_store, parsed, put
from tests.segment.oracle import Person, When, is_member

WHEN = When(START + timedelta(hours=2), "UTC", {})
OPS = (("gte", 1), ("gte", 3), ("equals", 0), ("equals", 2), ("lte", 2), ("lt", 1), ("gt", 2), ("between", [0, 2]))
COUNTS = [
    {"did": name, "count": {"op": op, "n": n}, "window": {"last": f"{minutes} minutes"}}
    for name in ("seen", "paid")
    for op, n in OPS
    for minutes in (20, 45, 70, 95)
]
SPENT = {"event": "paid", "prop": "amount", "op": "gte", "value": 4}
SUMS = [
    *({"aggregate": function, **SPENT} for function in ("sum", "avg", "min", "max")),
    {"aggregate": "sum", **SPENT, "op": "lte"},
    {"sequence": [{"event": "seen"}, {"event": "paid"}], "same": "product"},
]


def people(**also):
    """Forty persons, each with events of his own; those divisible by 5 have what is asked for as well."""
    told = {}
    for number in range(1, 41):
        events = []
        for step in range(number % 7):
            properties = {"amount": step, "product": f"p{step // 2}"}
            if number % 5 == 0 and step == 3:
                properties |= also
            events.append((("seen", "paid")[step % 2], START + timedelta(minutes=number + 13 * step), properties))
        told[number] = Person(traits={}, events=events)
    return told


async def asked(store, bodies, told):
    """Ask about every other person, and hold it against the plain evaluator; return the statements."""
    said = []
    ask = store.ask

    async def listening(sql, parameters, **options):
        said.append(sql)
        return await ask(sql, parameters, **options)

    store.ask = listening
    whom, inquiry = list(told)[::2], Inquiry(Moment(WHEN.now))
    formulas = [parsed(body).formula(inquiry) for body in bodies]
    atoms = await ask_few(store, inquiry, Scope(1, None, whom, whom))
    store.ask = ask
    members = partial(evaluate, atoms=atoms, universe=BitMap(whom), members=lambda _: BitMap())
    for body, formula in zip(bodies, formulas, strict=True):
        assert set(members(formula)) == {number for number in whom if is_member(body, told[number], WHEN)}, body
    return said


async def test_counts_are_compared_here_and_their_windows_are_one_expression(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        told = people()
        await put(store, 1, told)
        (said,) = await asked(store, COUNTS, told)
        assert said.count("fromUnixTimestamp64Micro") < 5, said


async def test_a_count_of_one_window_alone_is_asked_plainly(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        told = people()
        await put(store, 1, told)
        (said,) = await asked(store, COUNTS[:3], told)
        assert "arrayMap" not in said


async def test_currencies_and_huge_numbers_are_not_asked_for_where_nobody_has_any(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        told = people()
        await put(store, 1, told)
        said = await asked(store, SUMS, told)
        assert not any("property_folded[" in sql or "sumIf(property_number" in sql for sql in said), said


async def test_they_are_asked_for_where_one_event_has_them(tmp_path):
    for number, also in enumerate([{"currency": "EUR"}, {"amount": 10**29}, {"tax": -(10**29)}]):
        async with a_columnar_store(tmp_path / str(number)) as store:
            told = people(**also)
            await put(store, 1, told)
            said = await asked(store, SUMS, told)
            assert any("sumIf(property_number" in sql for sql in said), said


async def test_the_engine_is_handed_the_values_that_a_statement_names_alone():
    handed = []

    class Client:
        def raw_query(self, _sql, parameters=None, fmt=None):
            handed.append(parameters)
            return b""

        def command(self, _sql, parameters=None):
            handed.append(parameters)

    class Handles:
        async def run(self, call, *, to_the_end):
            return call(Client())

    store = Columnar(Handles(), is_embedded=False)
    bound = {"p1": 1, "p10": [2], "p2": "three"}
    await store.ask("select {p10:Array(Int32)}", bound)
    await store.command("insert into t select {p1:Int64}, {p2:String}", bound)
    assert handed == [{"p10": [2]}, {"p1": 1, "p2": "three"}]
