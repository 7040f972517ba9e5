"""One open transaction: SQLAlchemy Core and the raw driver on the same connection."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asyncpg import Connection, Record
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.db.statement import Statement

T = TypeVar("T")

SET_WORKSPACES = "select set_config('app.workspaces', $1, true)"
SET_FOR_SESSION = "select set_config('app.workspaces', $1, false)"
_BY_INDEX = {
    "plan_cache_mode": "force_custom_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_SETTINGS = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _BY_INDEX.items())
_PLAN_BY_INDEX = f"select {_SETTINGS}"
SET_WORKSPACES_BY_INDEX = f"{SET_WORKSPACES}, {_SETTINGS}"


class Tx:
    """A transaction that sees the rows of its workspaces and ends with the block that opened it.

    `connection` takes Core expressions; `driver` is the asyncpg connection below it (COPY, executemany). Both share
    the transaction. asyncpg's own errors come through the driver methods, SQLAlchemy's through `connection`.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        driver: "Connection[Record]",
        workspaces: tuple[int, ...],
        *,
        by_index: bool = False,
    ) -> None:
        self.connection = connection
        self.driver = driver
        self.workspaces = workspaces
        self._by_index = by_index
        self._committed: list[Callable[[], None]] = []
        self._left: list[tuple[Callable[[Tx, Sequence[Any]], Awaitable[None]], Any]] = []

    async def fetch(self, statement: Statement, **parameters: object) -> "list[Record]":
        """Return all rows."""
        return await self.driver.fetch(statement.text, *statement.bind(parameters))

    async def fetch_one(self, statement: Statement, **parameters: object) -> "Record | None":
        """Return the first row, or None."""
        return await self.driver.fetchrow(statement.text, *statement.bind(parameters))

    async def fetch_value(self, statement: Statement, **parameters: object) -> Any:
        """Return the first column of the first row, or None. The type is the statement's to know."""
        return await self.driver.fetchval(statement.text, *statement.bind(parameters))

    async def execute(self, statement: Statement, **parameters: object) -> int:
        """Run a statement and return the number of rows it touched."""
        return _row_count(await self.driver.execute(statement.text, *statement.bind(parameters)))

    async def see(self, workspaces: Iterable[int]) -> None:
        """Change which workspaces' rows are visible from here on: a worker's, after it claimed from a queue."""
        wanted = tuple(dict.fromkeys(workspaces))
        if set(wanted) == set(self.workspaces):
            return
        self.workspaces = wanted
        await self.driver.fetchval(SET_WORKSPACES, array_literal(self.workspaces))

    async def plan_by_index(self) -> None:
        """Have every statement from here on find its rows by indexes, whatever is known of how large the tables are.

        For batches of look-ups by key. Left to itself the planner reads a table whole as long as it takes that for the
        price of the look-ups: milliseconds a statement, however small the batch; a plan it keeps goes on reading when
        the table has grown (seen: 3.8 s instead of 10 ms for locking 1,000 rows).
        """
        if not self._by_index:
            await self.driver.fetchval(_PLAN_BY_INDEX)
            self._by_index = True

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only the block when it raises, with what waited in it for the commit; the transaction goes on."""
        waiting, left = len(self._committed), len(self._left)
        by_index, workspaces = self._by_index, self.workspaces
        try:
            async with self.driver.transaction():
                yield
        except BaseException:
            del self._committed[waiting:]
            del self._left[left:]
            self._by_index, self.workspaces = by_index, workspaces
            raise

    def before_commit(self, work: "Callable[[Tx, Sequence[T]], Awaitable[None]]", item: T) -> None:
        """Leave an item for the end: `work` gets all that were left for it at once, right before the commit.

        For rows that many transactions write: locked all at once and in line, and no longer than it takes to commit.
        """
        self._left.append((work, item))

    async def finish(self) -> None:
        """Do the work that was left for the end (used by Database)."""
        items: dict[Callable[[Tx, Sequence[Any]], Awaitable[None]], list[Any]] = {}
        for work, item in self._left:
            items.setdefault(work, []).append(item)
        self._left.clear()
        for work, left in items.items():
            await work(self, left)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is durable; never when it is rolled back."""
        self._committed.append(call)

    def notify_committed(self) -> None:
        """Make the calls that waited for the commit (used by Database)."""
        for call in self._committed:
            call()


def array_literal(numbers: Iterable[int]) -> str:
    """Return `{1,2}`, PostgreSQL's text form of an integer array."""
    return "{" + ",".join(str(int(number)) for number in numbers) + "}"


def _row_count(status: str) -> int:
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0
