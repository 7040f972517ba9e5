"""Ids of evidence that nobody sent: always the same for the same two, and nothing of their values is told by them."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from libs.common.db import statement
from libs.common.personal import Sealer
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.twins import TWIN_SOURCE, id_of_derived
from services.identity.store import renaming
from services.identity.store.respelling_queue import RespellingEntry
from services.identity.usecases.rename_derived import rename_derived
from services.identity.usecases.respell_identifiers import respell_identifiers
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_erasures_in_the_midst import erase
from tests.identity.graph.test_hash_twins import MD5, PHONE
from tests.identity.graph.test_respelling import BOTH, KINDS
from tests.identity.graph.worlds import an_identifier, evidence

MAIL = an_identifier("email", "an.na@mail.example")
ANNA = an_identifier("user_id", "ANNA", "shop")
FAN, STRANGER = an_identifier("wx_openid", "fan", "app"), an_identifier("cookie", "c-1")
EVENTS = [
    evidence(1, PHONE, FAN, at=1),
    evidence(2, MD5, FAN, at=2),
    evidence(3, MAIL, FAN, at=3),
    evidence(4, ANNA, FAN, at=4),
]


def before(one: Identifier, other: Identifier) -> UUID:
    """The id the fact had in a store of before: of the clear values."""
    word = "twin" if one == PHONE else "respelling"
    return uuid5(NAMESPACE_OID, f"{word}/{WORKSPACE}/{one}/{other}")


async def derived(graph: Graph) -> dict[tuple[Identifier, ...], UUID]:
    """The ids of what nobody sent, by the identifiers it is about."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select * from evidence where source_id = :one"), one=TWIN_SOURCE)
        nodes = await tx.fetch(statement("select * from node"))
    names = {
        row["node_no"]: Identifier(row["namespace"], row["scope"], graph.sealer.open(row["sealed"]).decode())
        for row in nodes
    }
    found = {tuple(names[one] for one in row["node_nos"]): row["event_id"] for row in rows}
    assert len(found) == len(rows), "the same of the same two is one fact"
    return found


async def counts(graph: Graph) -> dict[tuple[Identifier, Identifier], int]:
    return {pair: facts.evidence_count for pair, facts in (await graph.stored_facts()).items()}


async def a_store(graph_of: Any, events: Sequence[Evidence], *, key: bytes = b"k") -> Graph:
    graph: Graph = await graph_of(BOTH, KINDS)
    graph.sealer = Sealer({1: key * 32})
    graph.tools = graph.fresh_tools()
    for one in events:
        await graph.take([one])
    return graph


async def test_no_id_can_be_computed_from_the_values_alone(graph_of: Any) -> None:
    first = await derived(await a_store(graph_of, EVENTS))
    stranger = evidence(9, STRANGER, at=0)
    other = await derived(await a_store(graph_of, [stranger, *EVENTS], key=b"o"))
    assert {pair[0] for pair in first} == {PHONE, MAIL, ANNA}
    assert first.keys() == other.keys()
    assert set(first.values()).isdisjoint(other.values()), "the same workspace, the same values"
    assert all(first[pair] != before(*pair) for pair in first)


async def test_what_is_said_again_has_the_same_id_and_counts_once(graph_of: Any) -> None:
    graph = await a_store(graph_of, EVENTS)
    known, counted = await derived(graph), await counts(graph)
    again = [evidence(10 + number, *one.identifiers, at=5) for number, one in enumerate(EVENTS)]
    await graph.take(again, tools=graph.fresh_tools())
    assert await derived(graph) == known
    for pair in known:
        ends = min(pair), max(pair)
        assert (await counts(graph))[ends] == counted[ends] == 1


async def rename_back(graph: Graph, known: dict[tuple[Identifier, ...], UUID]) -> None:
    """Have facts under the ids that processes of before gave them."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        for pair, event_id in known.items():
            rename = statement("update evidence set event_id = :old where event_id = :new")
            await tx.execute(rename, old=before(*pair), new=event_id)


async def a_pass(graph: Graph) -> int:
    """Rename what has to be; return how many chunks there were."""
    chunks = 0
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        queue = "insert into renaming_queue (workspace_id, due_at) values (:one, now()), (:one, now() + interval '1 h')"
        await tx.execute(statement(queue), one=WORKSPACE)
    while True:
        async with graph.database.worker.transaction(WORKSPACE) as tx:
            one = await renaming.claim(tx)
            if one is None:
                return chunks
            await rename_derived(tx, one)
            chunks += 1


@pytest.mark.parametrize("one_at_a_time", [True, False])
async def test_a_store_of_before_is_renamed_and_nothing_counts_twice(graph_of: Any, one_at_a_time: bool) -> None:
    graph = await a_store(graph_of, EVENTS)
    known = await derived(graph)
    await rename_back(graph, known)
    sent = statement("select event_id, node_nos from evidence where source_id <> -1 order by event_id")
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        untouched = await tx.fetch(sent)
    await a_pass(graph)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert await tx.fetch(sent) == untouched
        assert await tx.fetch_value(statement("select count(*) from renaming_queue")) == 1, "the later pass waits"
    assert await derived(graph) == known
    again = [evidence(10 + number, *one.identifiers, at=5) for number, one in enumerate(EVENTS)]
    for batch in [[one] for one in again] if one_at_a_time else [again]:
        await graph.take(batch, tools=graph.fresh_tools())
    assert await derived(graph) == known
    after = await counts(graph)
    assert {pair: after[min(pair), max(pair)] for pair in known} == dict.fromkeys(known, 1)


async def test_what_was_said_under_both_ids_becomes_one_fact_that_counts_once(
    graph_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await a_store(graph_of, EVENTS)
    known, facts, stored = await derived(graph), await graph.stored_facts(), await graph.stored()
    arrivals = statement("select event_id, first_received_at from evidence order by event_id")
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        arrived = await tx.fetch(arrivals)
    await rename_back(graph, known)
    again = [evidence(10 + number, *one.identifiers, at=5) for number, one in enumerate(EVENTS)]
    await graph.take(again, tools=graph.fresh_tools())
    said_twice = [pair for pair in known if (await counts(graph))[min(pair), max(pair)] == 2]
    assert {pair[0] for pair in said_twice} == {MAIL, ANNA}
    monkeypatch.setattr("services.identity.usecases.rename_derived.CHUNK", 2)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch_value(statement("select count(*) from evidence"))
    assert await a_pass(graph) > rows / 2
    assert await derived(graph) == known
    after = await graph.stored_facts()
    pairs = {(min(one), max(one)) for one in known}
    assert {pair: after[pair] for pair in pairs} == {pair: facts[pair] for pair in pairs}
    assert await graph.stored() == stored
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        kept = await tx.fetch(arrivals)
    assert set(arrived) <= set(kept), "the earlier arrival stays"


async def test_what_an_erased_alias_denoted_is_kept_nowhere_however_often_it_comes(graph_of: Any) -> None:
    graph = await a_store(graph_of, EVENTS)
    await erase(graph, MAIL)
    other = an_identifier("email", "anna+x@mail.example")
    for number in range(20, 23):
        await graph.take([evidence(number, other, STRANGER, at=number)], tools=graph.fresh_tools())
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        await respell_identifiers(tx, RespellingEntry(WORKSPACE, 1, 0), graph.fresh_tools())
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select source_id, node_nos from evidence"))
    assert all(len(row["node_nos"]) == 2 for row in rows)
    assert sum(row["source_id"] != TWIN_SOURCE for row in rows) == 3, "what was sent of the stranger"
    assert await derived(graph) == {}


def test_the_id_is_of_the_workspace_and_both_numbers_in_their_order() -> None:
    ids = {id_of_derived(*one) for one in ((7, 1, 2), (7, 2, 1), (8, 1, 2), (71, 2, 1), (7, 12, 1))}
    assert len(ids) == 5
