"""How a request changes the graph: tried again when it lost a race, rolled back when it only rehearses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from libs.common.db import Database, Tx
from libs.common.errors import Unavailable
from libs.common.runtime import Runtime
from services.identity.store.retries import lost_a_race

T = TypeVar("T")
ATTEMPTS = 5


class RehearsalEnd(Exception):
    """Rolls a rehearsal back."""


@asynccontextmanager
async def rehearsal(database: Database, workspace_id: int) -> AsyncIterator[Tx]:
    """Give a transaction that is rolled back at the end of the block: nothing of it stays, not even numbers."""
    try:
        async with database.transaction(workspace_id) as tx:
            yield tx
            raise RehearsalEnd
    except RehearsalEnd:
        return


async def change_graph(
    runtime: Runtime[Any], workspace_id: int, work: Callable[[Tx], Awaitable[T]], *, dry_run: bool = False
) -> T:
    """Return what `work` returns in a transaction of its own, committed unless it is a dry run."""
    for _ in range(ATTEMPTS):
        try:
            if dry_run:
                async with rehearsal(runtime.database, workspace_id) as tx:
                    result = await work(tx)
            else:
                async with runtime.database.transaction(workspace_id) as tx:
                    result = await work(tx)
        except Exception as error:
            if not lost_a_race(error):
                raise
        else:
            return result
    raise Unavailable("these identifiers are changing right now; send the request again", retry_after_seconds=1)
