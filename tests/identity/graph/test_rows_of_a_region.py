"""What is read of a region: each link once, and every row by the place of its columns."""

from collections import Counter

from libs.common.db import statement
from services.identity.domain.links import LinkFacts
from services.identity.store import links, nodes
from services.identity.store.nodes import NodeRow
from tests.identity.graph.graphs import WORKSPACE
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, an_identifier, evidence

ACCOUNT = an_identifier("account", "who-has-many")


async def test_a_link_of_a_person_with_many_cookies_is_read_from_one_end(graph_of, monkeypatch):
    graph = await graph_of(DENSE)
    events = [evidence(number, ACCOUNT, an_identifier("openid", number, f"app{number}"), at=1) for number in range(4)]
    await graph.take(events)
    read: Counter[links.Pair] = Counter()
    around = links.around

    async def counted(*arguments, **named):
        rows = await around(*arguments, **named)
        read.update(pair for pair, _ in rows)
        return rows

    monkeypatch.setattr(links, "around", counted)
    one_more = evidence(9, ACCOUNT, an_identifier("openid", 9, "app9"), at=2)
    await graph.take([one_more])
    assert len(read) == 4
    assert set(read.values()) == {1}, "from the account; that the openids lead back to it is known"
    assert_equal(await graph.stored(), [*events, one_more], DENSE)


async def test_rows_are_taken_apart_in_the_order_their_columns_are_named(graph_of):
    graph = await graph_of(DENSE)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        for one in (nodes._LOCK, nodes._LOCK_FREE, nodes._READ, nodes._OF_PERSONS):
            assert tuple(await _columns(tx, one)) == NodeRow.__struct_fields__
        for one in (links._AROUND, links._OF, links._OF_HUB):
            names = await _columns(tx, one)
            assert names[:8] == [
                "workspace_id", "low_no", "high_no", "basis", "state", "reason", "blocker_low", "blocker_high",
            ]  # fmt: skip
            times = [f"{kind}_{tier}" for kind in ("seen", "void") for tier in range(5)]
            assert names[8:] == [*times, *LinkFacts.__struct_fields__[2:]]
        assert await tx.fetch_value(statement("select count(*) from node")) == 0


async def _columns(tx, one):
    prepared = await tx.driver.prepare(one.text)
    return [attribute.name for attribute in prepared.get_attributes()]
