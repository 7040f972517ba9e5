"""Numbers of persons and identifiers: 32 bits a workspace, nearly dense, never given twice."""

import asyncio
from typing import Any

import pytest

from services.identity.store import nodes
from services.identity.store.nodes import key
from services.identity.store.numbers import BLOCK, Numbers
from services.identity.usecases.graph import resolve_evidence
from services.identity.usecases.graph.batch import Fact
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.worlds import DENSE, NOW, an_identifier, evidence


async def test_racing_processes_never_give_a_number_twice_and_leave_few_gaps(database_of: Any) -> None:
    identity = await database_of("identity")
    processes = [Numbers() for _ in range(4)]

    async def take(numbers: Numbers, count: int) -> list[int]:
        async with identity.worker.transaction(1) as tx:
            return await numbers.take(tx, 1, "person", count)

    taken: list[int] = []
    for count in (1, 3, 200, 700):
        for given in await asyncio.gather(*(take(numbers, count) for numbers in processes)):
            assert given == sorted(given)
            taken += given
    assert len(set(taken)) == len(taken)
    assert min(taken) == 1
    assert max(taken) <= len(taken) + len(processes) * BLOCK


async def test_each_workspace_counts_from_one(database_of: Any) -> None:
    identity = await database_of("identity")
    numbers = Numbers()
    for workspace_id in (1, 2):
        async with identity.worker.transaction(workspace_id) as tx:
            assert (await numbers.take(tx, workspace_id, "node", 1))[0] == 1


async def test_what_a_failed_transaction_took_is_not_given_by_this_process_again(database_of: Any) -> None:
    identity = await database_of("identity")
    numbers = Numbers()
    try:
        async with identity.worker.transaction(1) as tx:
            await numbers.take(tx, 1, "node", 10)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    async with identity.worker.transaction(1) as tx:
        first = await numbers.take(tx, 1, "node", 5)
        second = await numbers.take(tx, 1, "node", 5)
    assert len({*first, *second}) == 10


@pytest.mark.parametrize("parted", [1, 12])
async def test_who_parts_persons_waits_for_no_numbers_while_he_holds_identifiers(
    graph_of: Any, monkeypatch: pytest.MonkeyPatch, parted: int
) -> None:
    graph: Graph = await graph_of(DENSE)
    await graph.set_clock(NOW)
    pairs = [(an_identifier("account", number), an_identifier("tel", number)) for number in range(parted)]
    await graph.take([evidence(number, *pair, at=100) for number, pair in enumerate(pairs)])
    unbinds = [Fact(WORKSPACE, evidence(50 + n, *pair, kind="unbind", at=101)) for n, pair in enumerate(pairs)]
    holding, load = asyncio.Event(), resolve_evidence.load_regions

    async def load_and_wait(*given: Any, **named: Any) -> Any:
        found = await load(*given, **named)
        holding.set()
        await asyncio.sleep(0.5)
        return found

    async def part() -> None:
        async with graph.database.worker.transaction(WORKSPACE) as tx:
            await resolve_evidence.resolve_evidence(tx, unbinds, graph.fresh_tools())

    async def open_a_block_and_lock() -> None:
        await holding.wait()
        async with graph.database.worker.transaction(WORKSPACE) as tx:
            await Numbers().take(tx, WORKSPACE, "person", 1)
            await nodes.lock(tx, [key(WORKSPACE, number) for number in range(1, 2 * parted + 1)])

    monkeypatch.setattr(resolve_evidence, "load_regions", load_and_wait)
    assert await asyncio.gather(part(), open_a_block_and_lock(), return_exceptions=True) == [None, None]
    assert len(set((await graph.stored()).ids.values())) == 2 * parted
