"""A hub's evidence is appended and never walked, whatever is taken from it."""

from libs.common.db import statement
from tests.identity.graph.graphs import WORKSPACE
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, an_identifier, evidence

TEL = an_identifier("tel", "hotline")
CROWD = 505


async def test_case_29_a_hub_that_stays_one_is_not_walked_when_a_link_is_taken_back(graph_of):
    graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(CROWD)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    await graph.take(events)
    unbind = evidence(CROWD, accounts[7], TEL, kind="unbind", at=2)
    batch = await graph.take([unbind])
    assert len(batch.nodes) == 2, "the hub and who left it"
    appended = evidence(CROWD + 1, an_identifier("account", "one-more"), TEL, at=3)
    assert len((await graph.take([appended])).nodes) == 2
    assert_equal(await graph.stored(), [*events, unbind, appended], DENSE)


async def test_a_crowd_that_leaves_makes_a_hub_somebodys_again(graph_of):
    graph = await graph_of(DENSE)
    accounts = [an_identifier("account", number) for number in range(4)]
    events = [evidence(number, account, TEL, at=1) for number, account in enumerate(accounts)]
    cookies = [evidence(100 + number, an_identifier("cookie", number), TEL, at=1) for number in range(CROWD)]
    await graph.take([*events, *cookies])
    unbinds = [evidence(50 + number, account, TEL, kind="unbind", at=2) for number, account in enumerate(accounts[:3])]
    await graph.take(unbinds)
    stored = await graph.stored()
    assert not stored.shared
    assert_equal(stored, [*events, *cookies, *unbinds], DENSE)
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        assert not await tx.fetch(statement("select from node where is_shared"))
