"""Person ids through merges, splits and undo, in the stored graph."""

import random

from libs.common.db import statement
from services.identity.domain.evidence import Identifier
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE, a_history, an_identifier, evidence

ANNA, BEN = an_identifier("account", "anna"), an_identifier("account", "ben")
TEL = an_identifier("tel", "1")
OPENID = an_identifier("openid", "x", "app1")
DEVICE, COOKIE = an_identifier("device", "d"), an_identifier("cookie", "c")


async def ids(graph: Graph) -> dict[Identifier, object]:
    return (await graph.stored()).ids


async def redirects(graph: Graph) -> dict[object, object]:
    """Return where every retired id leads."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(
            statement(
                "select a.person_id, b.person_id as target, b.state from person a"
                " left join person b on b.workspace_id = a.workspace_id and b.person_no = a.redirect_to"
                " where a.state = 'merged'"
            )
        )
    assert all(row["state"] == "active" for row in rows), "one hop to somebody living"
    return {row["person_id"]: row["target"] for row in rows}


async def test_case_22_an_undone_merge_gives_both_their_ids_back(graph_of):
    graph = await graph_of(DENSE)
    await graph.take([evidence(1, OPENID, at=1)])
    await graph.take([evidence(2, ANNA, TEL, at=2)])
    before = await ids(graph)
    await graph.take([evidence(3, OPENID, ANNA, at=3)])
    assert set((await ids(graph)).values()) == {before[ANNA]}
    assert await redirects(graph) == {before[OPENID]: before[ANNA]}
    await graph.take([evidence(4, OPENID, ANNA, kind="cannot_link", tier=0, at=4)])
    assert await ids(graph) == before
    assert await redirects(graph) == {}


async def test_id10_chains_of_merges_lead_to_the_living_in_one_hop_and_unwind(graph_of):
    graph = await graph_of(DENSE)
    await graph.take([evidence(1, COOKIE, kind="observe", tier=3, at=1)])
    await graph.take([evidence(2, OPENID, at=1)])
    await graph.take([evidence(3, ANNA, at=1)])
    before = await ids(graph)
    await graph.take([evidence(4, OPENID, COOKIE, at=2)])
    await graph.take([evidence(5, ANNA, OPENID, at=3)])
    assert await redirects(graph) == {before[OPENID]: before[ANNA], before[COOKIE]: before[ANNA]}
    await graph.take([evidence(6, ANNA, OPENID, kind="cannot_link", tier=0, at=4)])
    assert await redirects(graph) == {before[COOKIE]: before[OPENID]}
    after = await ids(graph)
    assert (after[ANNA], after[OPENID]) == (before[ANNA], before[OPENID])


async def test_a_device_that_alternates_moves_and_merges_nobody(graph_of):
    graph = await graph_of(DENSE)
    await graph.take([evidence(1, ANNA, DEVICE, at=101)])
    await graph.take([evidence(2, BEN, DEVICE, at=102)])
    first = await ids(graph)
    assert first[DEVICE] == first[BEN]
    for turn in range(3, 7):
        await graph.take([evidence(turn, ANNA if turn % 2 else BEN, DEVICE, at=100 + turn)])
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        told = {
            row[0]: row[1]
            for row in await tx.fetch(statement("select subject, sum(event_count)::int from outbox_log group by 1"))
        }
        history = await tx.fetch(statement("select person_no, since from ownership order by version"))
    assert told["identity.identifier.moved.v1"] == 5
    assert "identity.person.merged.v1" not in told
    assert "identity.person.split.v1" not in told
    assert [row["since"] is not None for row in history][-5:] == [True] * 5


async def test_id10_every_id_ever_given_resolves_and_no_node_is_lost(graph_of):
    graph = await graph_of(DENSE)
    chance = random.Random(5)
    given: set[object] = set()
    for events in _chunks(a_history(chance, 150, values=10), 5):
        await graph.take(events)
        given |= set((await ids(graph)).values())
    living = set((await ids(graph)).values())
    leads = await redirects(graph)
    assert given <= living | leads.keys()
    assert set(leads.values()) <= living


async def test_id19_versions_grow_along_every_identifier(graph_of):
    graph = await graph_of(DENSE)
    for events in _chunks(a_history(random.Random(6), 100, values=8), 4):
        await graph.take(events)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        wrong = await tx.fetch_value(
            statement(
                "select count(*) from node n where not n.is_timed and (n.owner_version, n.person_no) is distinct from"
                " (select (o.version, o.person_no) from ownership o where o.workspace_id = n.workspace_id"
                "  and o.node_no = n.node_no order by o.version desc limit 1)"
            )
        )
        behind = await tx.fetch_value(
            # what is told of a device by time may be said under the version of what moved it, and under no later one
            statement(
                "select count(*) from node n where n.is_timed and n.owner_version <"
                " (select max(o.version) from ownership o where o.workspace_id = n.workspace_id"
                "  and o.node_no = n.node_no)"
            )
        )
    assert (wrong, behind) == (0, 0)


async def test_id20_another_workspace_has_other_persons(graph_of):
    graph = await graph_of(DENSE)
    await graph.declare(8, DENSE)
    await graph.take([evidence(1, ANNA, TEL, at=1)])
    await graph.take([evidence(1, BEN, TEL, at=1)], workspace_id=8)
    mine, theirs = await graph.stored(), await graph.stored(8)
    assert mine.persons == {frozenset({ANNA, TEL})}
    assert theirs.persons == {frozenset({BEN, TEL})}
    assert not set(mine.ids.values()) & set(theirs.ids.values())


async def test_case_15_the_same_evidence_twice_is_no_new_version(graph_of):
    graph = await graph_of(DENSE)
    events = [evidence(1, ANNA, TEL, at=99), evidence(2, ANNA, DEVICE, at=100)]
    await graph.take(events)
    before = await graph.stored()
    await graph.take(events)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert await tx.fetch_value(statement("select count(*) from ownership")) == 3
        assert await tx.fetch_value(statement("select sum(evidence_count) from link")) == 2
    assert await graph.stored() == before


def _chunks(events: list, size: int) -> list[list]:
    return [events[position : position + size] for position in range(0, len(events), size)]
