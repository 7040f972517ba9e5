"""Numbers of persons and identifiers: 32 bits a workspace, nearly dense, never given twice."""

import asyncio
from typing import Any

from services.identity.store.numbers import BLOCK, Numbers


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
