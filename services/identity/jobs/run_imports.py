"""Imports, a chunk of rows a transaction, resumed where the last commit left them."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from libs.common.access.model import Source
from libs.common.bus.transient import is_transient
from libs.common.errors import Conflict
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.domain.import_rows import Chunk, read_chunk
from services.identity.domain.mapping import ImportMapping
from services.identity.store import imports
from services.identity.store.imports import ImportRow
from services.identity.store.row_files import FileRow, read_rows
from services.identity.usecases.advance_import import advance_import
from services.identity.usecases.open_months import open_months

log = logging.getLogger(__name__)

CHUNK_ROWS = 2_000
CHUNKS_A_ROUND = 10
UPLOADS = "imports"
"""Folder of uploaded files in the data directory; files that an operator laid ready are his own."""
BACKLOG_ROWS = 50_000
"""While the resolver has this much to read, imports wait: live events must not queue behind a file."""


@dataclass
class _Reader:
    """An open file, standing after row `position`."""

    rows: Iterator[FileRow]
    position: int


_readers: dict[UUID, _Reader] = {}


async def run(runtime: Runtime[Any]) -> int:
    """Take some chunks of the oldest import; return how many rows."""
    async with runtime.worker_database.transaction([]) as tx:
        queued = await imports.queued(tx, 1)
        crowded = await imports.backlog(tx, BACKLOG_ROWS) >= BACKLOG_ROWS
    if not queued or crowded:
        return 0
    workspace_id, import_id = queued[0]
    done = 0
    for _ in range(CHUNKS_A_ROUND):
        rows = await _take_chunk(runtime, workspace_id, import_id)
        done += rows
        if rows == 0:
            break
    runtime.wake("resolve_events")
    return done


async def _take_chunk(runtime: Runtime[Any], workspace_id: int, import_id: UUID) -> int:
    now = runtime.now(workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        row = await imports.find(tx, workspace_id, import_id)
    if row is None:
        return await _end(runtime, workspace_id, import_id, "stopped", "", now)
    if row.state not in {"waiting", "running"}:
        # Whoever stopped it took it off the queue; it may be on it again by now.
        _readers.pop(import_id, None)
        return 0
    return await _take_rows(runtime, row, now)


async def _take_rows(runtime: Runtime[Any], row: ImportRow, now: datetime) -> int:
    workspace_id, import_id = row.workspace_id, row.import_id
    try:
        chunk = await asyncio.to_thread(_next_chunk, row)
    except (OSError, ValueError, EOFError) as error:
        return await _end(runtime, workspace_id, import_id, "failed", f"the file cannot be read: {error}", now)
    if chunk.last == row.next_row:
        return await _end(runtime, workspace_id, import_id, "done", "", now)
    source = runtime.directory.source(row.source_id)
    if source is None:
        return await _end(runtime, workspace_id, import_id, "failed", "its source is gone", now)
    try:
        await _store(runtime, row, chunk, source, now)
    except Conflict:
        _readers.pop(import_id, None)
        return 0
    except BaseException as error:
        # The reader stands beyond the checkpoint now.
        _readers.pop(import_id, None)
        if not isinstance(error, Exception) or is_transient(error):
            raise
        # One that cannot be taken must not keep all others from being taken.
        log.exception("an import cannot be taken", extra={"import": str(import_id)})
        why = f"its rows after {row.next_row} cannot be taken: {type(error).__name__}; the log says more"
        return await _end(runtime, workspace_id, import_id, "failed", why, now)
    return chunk.last - row.next_row


async def _store(runtime: Runtime[Any], row: ImportRow, chunk: Chunk, source: Source, now: datetime) -> None:
    async with runtime.worker_database.transaction([]) as tx:
        await open_months(tx, [now])
    async with runtime.worker_database.transaction(row.workspace_id) as tx:
        sealer, plans = runtime.sealer(row.workspace_id), runtime.parts.plans
        await advance_import(tx, row=row, chunk=chunk, source=source, sealer=sealer, now=now, plans=plans)


def _next_chunk(row: ImportRow) -> Chunk:
    reader = _readers.get(row.import_id)
    if reader is None or reader.position != row.next_row:
        rows = read_rows(Path(row.file_path), row.format, after=row.next_row)
        reader = _readers[row.import_id] = _Reader(rows, row.next_row)
    mapping = msgspec.convert(row.mapping, ImportMapping)
    chunk = read_chunk(islice(reader.rows, CHUNK_ROWS), mapping, row.file_hash, after=row.next_row)
    reader.position = chunk.last
    return chunk


async def _end(runtime: Runtime[Any], workspace_id: int, import_id: UUID, state: str, why: str, now: datetime) -> int:
    _readers.pop(import_id, None)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        row = await imports.find(tx, workspace_id, import_id)
        await imports.finish(tx, workspace_id, import_id, state=state, why=why, now=now)
    if row is not None and Path(row.file_path).parent == Path(runtime.settings.data_dir) / UPLOADS:
        await asyncio.to_thread(_leave if state == "failed" else _forget, Path(row.file_path))
    log.info("import ended", extra={"import": str(import_id), "state": state, "why": why})
    return 1


def _forget(path: Path) -> None:
    """Delete an upload: it holds people in clear; the record has them sealed, refused rows too."""
    path.unlink(missing_ok=True)


def _leave(path: Path) -> None:
    """Keep the upload of an import that failed for another day (sweep_uploads.AGE): until then it can be resumed."""
    with suppress(OSError):
        os.utime(path)


async def open_imports(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many imports of a workspace are still to be run."""
    async with runtime.worker_database.transaction([]) as tx:
        return sum(workspace == workspace_id for workspace, _ in await imports.queued(tx, 1_000))


job = Job(name="run_imports", run=run, open=open_imports, idle_seconds=1.0)
