"""The door to PostgreSQL: a pool whose transactions always name their workspaces."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, cast

from asyncpg import Connection, Record
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.common.db import codecs
from libs.common.db.transaction import (
    SET_FOR_SESSION,
    SET_WORKSPACES,
    SET_WORKSPACES_BY_INDEX,
    Tx,
    array_literal,
)

_shared: ContextVar[dict[int, Tx]] = ContextVar("shared", default={})  # noqa: B039 - never changed, only replaced
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class DurabilityOffError(Exception):
    """PostgreSQL runs with a durability setting off: an acknowledged event could be lost."""


class Database:
    """A pool of connections of one role, with the service's schema first on the search path."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self.engine = engine
        self.service = service

    @classmethod
    async def open(cls, url: str, *, service: str, pool_size: int = 10) -> "Database":
        """Connect, and see that the server keeps what it acknowledges (else DurabilityOffError)."""
        database = cls.at(url, service=service, pool_size=pool_size)
        try:
            await database.assert_durable()
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    def at(cls, url: str, *, service: str, pool_size: int = 10) -> "Database":
        """Return the door alone: who first needs a connection makes it, and the server's settings are not looked at."""
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            json_serializer=codecs.serialize,
            connect_args={
                "timeout": 10,
                "statement_cache_size": 500,
                "server_settings": {
                    "application_name": service,
                    "search_path": service,
                    "timezone": "UTC",
                    # short parameterised statements: compiling them costs more than it saves
                    "jit": "off",
                    # and so does starting processes for them: ten milliseconds for one of probes by index
                    "max_parallel_workers_per_gather": "0",
                },
            },
        )
        event.listen(engine.sync_engine, "connect", _install_codecs)
        return cls(engine, service)

    async def assert_durable(self) -> None:
        """Refuse a server whose durability settings are off (DurabilityOffError)."""
        async with self.engine.connect() as connection:
            names = ", ".join(f"current_setting('{name}')" for name in _DURABLE)
            values = (await connection.exec_driver_sql(f"select {names}")).one()
        off = [name for name, value in zip(_DURABLE, values, strict=True) if value == "off"]
        if off:
            raise DurabilityOffError(", ".join(off))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def reading(self, workspaces: int | Sequence[int]) -> AsyncIterator[Tx]:
        """Make all transactions this task opens inside the block one: for many small questions one after the other.

        Only for reading, and only in sequence: they share a connection.
        """
        async with self.transaction(workspaces) as tx:
            token = _shared.set({**_shared.get(), id(self): tx})
            try:
                yield tx
            finally:
                _shared.reset(token)

    @asynccontextmanager
    async def transaction(
        self, workspaces: int | Sequence[int], *, by_index: bool = False, snapshot: bool = False
    ) -> AsyncIterator[Tx]:
        """Open a transaction that sees these workspaces; commit at the end of the block, roll back when it raises.

        `by_index`: as after `Tx.plan_by_index`, without a statement more. `snapshot`: every statement sees the moment
        of the first, whatever others commit meanwhile; for reading alone, as writing there may be refused.
        """
        visible = (workspaces,) if isinstance(workspaces, int) else tuple(dict.fromkeys(workspaces))
        shared = _shared.get().get(id(self))
        if shared is not None:
            if shared.workspaces != visible:
                await shared.see(visible)
            yield shared
            return
        async with AsyncExitStack() as stack:
            settings = SET_WORKSPACES_BY_INDEX if by_index else SET_WORKSPACES
            connection = await self._begin(stack, visible, settings, snapshot=snapshot)
            raw = await connection.get_raw_connection()
            driver = cast("Connection[Record]", raw.driver_connection)
            tx = Tx(connection, driver, visible, by_index=by_index)
            yield tx
            await tx.finish()
            await connection.commit()
        tx.notify_committed()

    @asynccontextmanager
    async def session(self, workspaces: int | Sequence[int]) -> AsyncIterator[Tx]:
        """Open a connection on which every statement commits by itself, and that ends with the block.

        For long reading, with temporary tables if need be: no transaction stands meanwhile, so nothing keeps the
        server from cleaning up, and a block that thinks for long is not ended for it. Each statement sees its moment.
        """
        visible = (workspaces,) if isinstance(workspaces, int) else tuple(dict.fromkeys(workspaces))
        async with self.engine.connect() as pooled:
            connection = await pooled.execution_options(isolation_level="AUTOCOMMIT")
            raw = await connection.get_raw_connection()
            driver = cast("Connection[Record]", raw.driver_connection)
            try:
                await driver.fetchval(SET_FOR_SESSION, array_literal(visible))
                yield Tx(connection, driver, visible)
            finally:
                # Its workspaces and temporary tables must not reach whoever is given the connection next.
                await connection.invalidate()

    async def _begin(
        self, stack: AsyncExitStack, workspaces: tuple[int, ...], settings: str, *, snapshot: bool
    ) -> AsyncConnection:
        literal = array_literal(workspaces)
        try:
            return await self._try_begin(stack, literal, settings, snapshot=snapshot)
        except (InterfaceError, DBAPIError) as error:
            # The server restarted since this connection was pooled. Nothing has happened in the transaction yet, and
            # the pool has dropped its stale connections, so one more try is safe and enough.
            if not error.connection_invalidated:
                raise
        return await self._try_begin(stack, literal, settings, snapshot=snapshot)

    async def _try_begin(
        self, stack: AsyncExitStack, literal: str, settings: str, *, snapshot: bool
    ) -> AsyncConnection:
        connection = await stack.enter_async_context(self.engine.connect())
        if snapshot:
            connection = await connection.execution_options(isolation_level="REPEATABLE READ")
        # SQLAlchemy begins with the first statement that goes through it; the raw driver joins after that.
        await connection.exec_driver_sql(settings, (literal,))
        return connection


def _install_codecs(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.run_async(codecs.install)
