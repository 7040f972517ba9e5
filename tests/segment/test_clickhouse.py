"""The columnar store as a ClickHouse server by address: the same client, the same statements, over HTTP."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
import pytest_asyncio
from pyroaring import BitMap

from launcher.home import PROJECT
from launcher.ports import accepts, free_port
from libs.common.ids import new_id
from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.columnar import Columnar, Refusal
from services.segment.store.columnar_cluster import cluster_changes, cluster_statements, local_table
from services.segment.store.columnar_schema import CHANGES
from services.segment.store.counting import counts_by_day
from services.segment.store.rows import event_row
from services.segment.store.scope import Scope
from tests.fixtures.apps import START
from tests.segment.columnar import MASTER_KEY, parsed, put
from tests.segment.oracle import Person, When, is_member

PEOPLE = {
    number: Person(
        traits={
            "age": 15 + number,
            "city": ["Suzhou", "O'Hare\\%", "金"][number % 3],
            "tags": ["a", "b"][: number % 3],
        },
        events=[
            ("bought", START - timedelta(days=day), {"price": day * 1.5, "item": {"brand": "acme"}})
            for day in range(number % 9)
        ],
    )
    for number in range(1, 40)
}
DEFINITIONS = (
    {"did": "bought", "count": {"op": "gte", "n": 3}, "window": {"last": "7 days"}},
    {"all": [{"trait": "age", "op": "between", "value": [20, 40]}, {"none": [{"did": "bought"}]}]},
    {
        "any": [
            {"trait": "city", "op": "equals", "value": "O'Hare\\%"},
            {"trait": "tags", "op": "has_all", "value": ["b"]},
        ]
    },
    {"did": "bought", "where": [{"prop": ["item", "brand"], "op": "in", "value": ["acme", "it's"]}]},
    {"trait": "city", "op": "matches", "value": "^.$"},
)


@pytest_asyncio.fixture
async def address(tmp_path):
    """A server of the test's own, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "tests.fakes.clickhouse_server", str(tmp_path / "server"), str(port)]
    with subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}) as server:
        try:
            async with asyncio.timeout(90):
                while not accepts(port):
                    assert server.poll() is None
                    await asyncio.sleep(0.05)
            yield f"http://127.0.0.1:{port}/default"
        finally:
            server.terminate()


async def test_a_server_answers_the_same_statements_with_the_same_persons(address):
    store = await Columnar.open(address, master_key=MASTER_KEY)
    try:
        await put(store, 1, PEOPLE)
        everybody = BitMap(PEOPLE)
        for body in DEFINITIONS:
            for persons in (None, list(range(1, 20))):
                inquiry = Inquiry(Moment(START))
                formula = parsed(body).formula(inquiry)
                atoms = await ask(store, inquiry, Scope(1, merged=None, persons=persons, stored_under=persons or ()))
                among = everybody if persons is None else BitMap(persons)
                found = answer_one(formula, atoms=atoms, among=among, members={})
                expected = {number for number in among if is_member(body, PEOPLE[number], When(START))}
                assert set(found) == expected, (body, persons)

        line = event_row(
            workspace_id=2, name="e", person_no=1, subject_no=1, event_time=START, received_at=START, event_id=new_id(),
            origin="collected", source_id=1, properties={},
        )  # fmt: skip
        for _ in range(3):
            await store.insert("event", line, token="2.1")
        (day,) = await counts_by_day(store, 2, start=None, end=None)
        assert (day["events"], day["distinct_events"]) == (1, 1), "the same block with the same token stays single"
        await store.delete("event", 2, "subject_no", [1])
        assert await counts_by_day(store, 2, start=None, end=None) == []
        with pytest.raises(Refusal):
            await store.rows("select match('', '(')", {})
        for statement in (*cluster_statements("brand", policy="personal"), *cluster_changes("brand")):
            # parsed by the engine itself; to run them takes a cluster
            await store.rows(f"select formatQuerySingleLine({_quoted(statement)})", {})
    finally:
        await store.close()


def test_what_is_deleted_from_a_distributed_table_is_deleted_on_every_node():
    engine = "Distributed('brand', 'rapport', 'event_local', cityHash64(workspace_id, person_no))"
    assert local_table(engine) == "event_local on cluster 'brand'"


def test_what_a_cluster_of_before_lacks_is_added_where_rows_lie_and_columns_where_they_are_asked():
    changes = cluster_changes("brand")
    local = [change for change in changes if change.startswith("alter table event_local on cluster 'brand' ")]
    assert len(local) == len(CHANGES)
    asked = [change for change in changes if change.startswith("alter table event on cluster 'brand' ")]
    assert [change.split("if not exists ")[1].split()[0] for change in asked] == ["generation", "packed"]
    assert len(local) + len(asked) == len(changes)


def _quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
