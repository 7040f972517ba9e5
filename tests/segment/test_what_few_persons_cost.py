"""About a thousand persons the statement costs, not the rows: what is not said need not be analysed."""

from services.segment.store.columnar import Columnar


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
