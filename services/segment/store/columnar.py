"""The door to the columnar store: chDB embedded, or a ClickHouse server; one client API, a thread a handle."""

import asyncio
import base64
import copy
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from pyarrow import Table
from pyarrow.ipc import open_stream

from libs.common.errors import Unavailable
from services.segment.domain.binding import Bindable
from services.segment.store.columnar_cluster import local_table
from services.segment.store.columnar_schema import BY_PERSON, CHANGES, WORKSPACE_TABLES, statements
from services.segment.store.handles import HANDLES, Handles

R = TypeVar("R")
PERSONAL_POLICY = "personal"
KEPT = "kept"
"""The database, in the memory of an embedded engine, of rows that several statements read."""
CACHE_BYTES = 1_000_000_000
_KEY_VARIABLE = "RAPPORT_COLUMNAR_KEY"
_TOO_HEAVY = (159, 160, 241, 307)
_DOES_NOT_FIT = (396, 407)
_PLACE = re.compile(r"\{(\w+):")
# Set once for the client: embedded, a setting given with a call costs three more calls of the engine.
SETTINGS = {
    "max_execution_time": 60,
    # of one statement; as many run at once as there are handles
    "max_memory_usage": 4_000_000_000,
    # all sub-queries of a statement see the same rows of a table, whatever goes in meanwhile
    "enable_shared_storage_snapshot_in_query": 1,
    # hundreds of conditions in one statement are meant
    "max_query_size": 16_000_000,
    "max_ast_elements": 2_000_000,
    "max_expanded_ast_elements": 4_000_000,
    # windows move with the clock: no filter is asked twice
    "use_query_condition_cache": 0,
    # looking through the marks of an order that does not help costs more than many a question
    "preferred_optimize_projection_name": "by_time",
    # blocks that everybody's questions read stay unpacked in memory, as many as there is room for
    "use_uncompressed_cache": 1,
    "merge_tree_max_rows_to_use_cache": 1_000_000_000,
    "merge_tree_max_bytes_to_use_cache": 1_000_000_000_000,
    # each person's own time zone, which is a value of his
    "allow_nonconst_timezone_arguments": 1,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_compression_method": "none",
    "insert_deduplicate": 1,
    "max_partitions_per_insert_block": 0,
    "precise_float_parsing": 1,
    "input_format_parallel_parsing": 0,
    # one block whatever its size, or a part of it could carry the token alone
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
}

FEW_ROWS = (
    "\nsettings compile_expressions = 0, compile_aggregate_expressions = 0"
    f", preferred_optimize_projection_name = '{BY_PERSON}', preferred_block_size_bytes = 16000000"
)
"""Compiling hundreds of expressions costs more than it saves on the rows of a thousand persons.

A megabyte (the engine's own measure) is a few places of a thousand: each piece is set up anew, packed columns opened.
"""
SHARED = f", max_threads = {max(1, (os.cpu_count() or 1) // HANDLES)}"
"""What two threads of one long statement hand each other is a quarter of it; the handles keep as many busy."""
MOST_ROWS = "\nsettings max_result_rows = {most}, result_overflow_mode = 'throw'"


class QueryTooHeavy(Unavailable):
    """The question needs more time or memory than one question may take."""


class Refusal(Exception):
    """The engine does not take the question."""


class DoesNotFit(Refusal):
    """The answer has more rows than may be handed over, or a number too large for its column."""


class Columnar:
    """Asks and fills the columnar store; a call takes the handle that is free, or waits its turn."""

    def __init__(self, handles: Handles, *, is_embedded: bool) -> None:
        self._handles = handles
        self.is_embedded = is_embedded
        self._locals: dict[str, str] = {}
        self.gives_way = False
        self._turn = asyncio.Semaphore(HANDLES - 1)

    @classmethod
    async def open(cls, url: str, *, master_key: str, cache_bytes: int = CACHE_BYTES) -> "Columnar":
        """Open `chdb:///path` (made where absent) or a ClickHouse DSN, and create what tables are missing.

        Embedded, what was read stays unpacked in up to `cache_bytes` of memory; a server has its own configuration.
        """
        handles = await Handles.open(partial(_connect, url, master_key, cache_bytes))
        store = cls(handles, is_embedded=url.startswith("chdb:"))
        try:
            await store._lay_out()
        except BaseException:
            await store.close()
            raise
        return store

    async def _lay_out(self) -> None:
        """Make what tables are missing, and what changed of those of before."""
        of_before = await self._find_tables()
        # one made just now lacks nothing; of a table before others its administrator changes those
        changes = [change for table, change in CHANGES if table in of_before and table not in self._locals]
        for statement in (*statements(PERSONAL_POLICY), *changes):
            await self.command(statement)
        if self.is_embedded:
            # nothing of before lies in it but what somebody was cut off from
            await self.command(f"drop database if exists {KEPT}")
            await self.command(f"create database {KEPT} engine = Memory")

    async def _find_tables(self) -> set[str]:
        """Return which tables there are; what is deleted from a distributed one is deleted from its local ones."""
        tables = await self.rows(
            "select name, engine, engine_full from system.tables where database = currentDatabase()", {}
        )
        self._locals = {
            row["name"]: local_table(row["engine_full"]) for row in tables if row["engine"] == "Distributed"
        }
        return {row["name"] for row in tables}

    def giving_way(self) -> "Columnar":
        """Return the same store for whoever asks long: over one handle less, the other is there for rounds."""
        patient = copy.copy(self)
        patient.gives_way = True
        return patient

    async def close(self) -> None:
        """Close the engine when what runs has ended; what was inserted is on disk. Whoever asks later is told so."""
        await self._handles.close()

    async def ask(
        self,
        sql: str,
        parameters: Mapping[str, Bindable],
        *,
        few_rows: bool = False,
        most_rows: int = 0,
        shared: bool = False,
    ) -> Table:
        """Return the answer as an Arrow table; QueryTooHeavy beyond the limits, DoesNotFit beyond `most_rows`.

        Embedded, a statement takes all processors, or half of them where they are `shared` with others that take long.
        """
        settings = (FEW_ROWS if few_rows else "") + (MOST_ROWS.format(most=most_rows) if most_rows else "")
        if (shared or self.gives_way) and self.is_embedded:
            settings += SHARED if settings else f"\nsettings {SHARED[2:]}"
        with _refusals():
            bound = _used(sql, parameters)
            answer = await self._call(
                lambda client: client.raw_query(sql + settings, parameters=bound, fmt="ArrowStream")
            )
        return open_stream(answer).read_all() if answer else Table.from_pydict({})

    async def rows(self, sql: str, parameters: Mapping[str, Bindable]) -> list[dict[str, Any]]:
        """Return a small answer as dictionaries."""
        rows: list[dict[str, Any]] = (await self.ask(sql, parameters)).to_pylist()
        return rows

    async def fill(self, sql: str, parameters: Mapping[str, Bindable]) -> None:
        """Insert what a question about few rows selects; QueryTooHeavy when it exceeds its limits."""
        with _refusals():
            await self.command(sql + FEW_ROWS, parameters)

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Insert a block of JSON lines exactly once: the same block with the same token stays single."""
        settings = {"insert_deduplication_token": token}
        await self._call(lambda client: client.raw_insert(table, None, lines, settings, "JSONEachRow"), to_the_end=True)

    async def insert_numbers(self, table: str, packed: bytes) -> None:
        """Insert rows of one column of Int32, as they lie in memory, into a table kept in memory."""
        await self._call(lambda client: client.raw_insert(table, None, packed, None, "RowBinary"), to_the_end=True)

    async def delete(self, table: str, workspace_id: int, column: str, numbers: Sequence[int]) -> None:
        """Delete rows by a number; returns when the parts are rewritten."""
        # a mutation is kept by its text, so that parameters cannot be bound; numbers are numbers
        listed = ", ".join(str(int(number)) for number in numbers)
        await self.delete_where(table, f"workspace_id = {int(workspace_id)} and {column} in ({listed})")

    async def delete_where(self, table: str, where: str, *, wait: bool = True) -> None:
        """Delete rows by a predicate of our own making; when told to `wait` it returns when the parts are rewritten."""
        settings = f"mutations_sync = {2 if wait else 0}, allow_nondeterministic_mutations = 1"
        await self.command(f"alter table {self._locals.get(table, table)} delete where {where} settings {settings}")

    async def is_deleting(self, table: str, column: str) -> bool:
        """Tell whether rows of a table are still being deleted by a predicate that names a column."""
        open_ones = (
            "select count() as open from system.mutations where database = currentDatabase() and not is_done"
            " and table in ({table:String}, concat({table:String}, '_local'))"
            " and position(command, {column:String}) > 0"
        )
        return bool((await self.rows(open_ones, {"table": table, "column": column}))[0]["open"])

    async def wipe(self, workspace_id: int) -> None:
        """Delete every row of a workspace; returns when the parts are rewritten."""
        for table in WORKSPACE_TABLES:
            await self.delete_where(table, f"workspace_id = {int(workspace_id)}")

    async def mark(self) -> UUID | None:
        """Return the id this store was given; None for one that is new, or was wiped."""
        rows = await self.rows("select store_id from store_mark limit 1", {})
        return UUID(str(rows[0]["store_id"])) if rows else None

    async def give_mark(self, store_id: UUID) -> None:
        """Give a new store its id."""
        await self.command(f"insert into store_mark values ('{store_id}')")

    async def command(self, sql: str, parameters: Mapping[str, Bindable] | None = None) -> None:
        """Run a statement without an answer."""
        bound = _used(sql, parameters or {})
        await self._call(lambda client: client.command(sql, parameters=bound), to_the_end=True)

    async def _call(self, call: Callable[[Client], R], *, to_the_end: bool = False) -> R:
        async with self._turn if self.gives_way else nullcontext():
            # who gives way keeps his turn as long as the statement has the handle, whoever waits no more
            return await self._handles.run(partial(self._said, call), to_the_end=to_the_end or self.gives_way)

    def _said(self, call: Callable[[Client], R], client: Client) -> R:
        try:
            return call(client)
        except Exception:
            # Embedded, the engine gives what it had written of an answer when it failed to whoever asks next over the
            # handle. That has to be nobody: another workspace's question may wait for the thread, so it is done before.
            if self.is_embedded:
                with suppress(Exception):
                    client.raw_query("select 1", fmt="ArrowStream")
            raise


def _used(sql: str, parameters: Mapping[str, Bindable]) -> dict[str, Bindable]:
    """Return the parameters a statement names: an inquiry binds for several, and each is spelled and read again."""
    return {name: parameters[name] for name in _PLACE.findall(sql) if name in parameters}


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if error.code in _TOO_HEAVY:
            raise QueryTooHeavy("the question needs more time or memory than one question may take") from error
        raise (DoesNotFit if error.code in _DOES_NOT_FIT else Refusal)(str(error)) from error


def _connect(url: str, master_key: str, cache_bytes: int) -> Client:
    if not url.startswith("chdb:"):
        return clickhouse_connect.get_client(dsn=url, settings=SETTINGS)
    path = Path(url.removeprefix("chdb://")).absolute()
    path.mkdir(parents=True, exist_ok=True)
    config = _write_config(path, master_key, cache_bytes)
    return clickhouse_connect.get_client(
        dsn=f"chdb://{path}", settings=SETTINGS, chdb_options={"config-file": str(config)}
    )


def _write_config(path: Path, master_key: str, cache_bytes: int = CACHE_BYTES) -> Path:
    """Write the engine's configuration: a calm one, with an encrypted disk. The key itself is in no file."""
    key = hmac.new(base64.b64decode(master_key), b"columnar personal disk", hashlib.sha256).digest()
    # the engine reads the key from the environment, the only place besides a file it looks in
    os.environ[_KEY_VARIABLE] = key.hex()  # noqa: TID251 - handed to the engine, not read
    # by itself the engine looks at its memory twenty times a second, which costs an idle service most of what it uses
    disks = f"""<clickhouse>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <uncompressed_cache_size>{cache_bytes}</uncompressed_cache_size>
  <storage_configuration>
    <disks>
      <beside><type>local</type><path>{path}-personal/</path></beside>
      <sealed>
        <type>encrypted</type><disk>beside</disk><path>sealed/</path>
        <algorithm>AES_256_CTR</algorithm><key_hex from_env="{_KEY_VARIABLE}"/>
      </sealed>
    </disks>
    <policies><{PERSONAL_POLICY}><volumes><main><disk>sealed</disk></main></volumes></{PERSONAL_POLICY}></policies>
  </storage_configuration>
</clickhouse>
"""
    config = path.with_name(path.name + "-config.xml")
    config.write_text(disks, encoding="utf-8")
    return config
