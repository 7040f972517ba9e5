"""Previews of imports, one at a time, under a lease and without a transaction: what a file would do, before it is
taken."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from libs.common.bus.transient import is_transient
from libs.common.jobs import Job
from libs.common.leasing import LeaseLostError, under_lease
from libs.common.runtime import Runtime
from services.identity.domain.forecast import Forecast
from services.identity.domain.import_rows import Chunk, read_chunk
from services.identity.domain.mapping import ImportMapping
from services.identity.jobs.run_imports import CHUNK_ROWS, UPLOADS
from services.identity.store import import_previews
from services.identity.store.import_previews import PreviewRow, queue
from services.identity.store.leases import RENEW_SECONDS
from services.identity.store.row_files import read_rows
from services.identity.usecases.foresee_import import foresee_import

log = logging.getLogger(__name__)


MOST_TIMES = 3
"""So many times a preview is tried: one that ends the process, by its size, must not end it for ever."""


class _Impossible(Exception):
    """Nothing can be said of the file, and why."""


async def run(runtime: Runtime[Any]) -> int:
    """Make the oldest preview; return 1 when there was one. One whose worker dies is another's when its lease ends."""
    async with runtime.worker_database.transaction([]) as tx:
        claimed = await queue.claim(tx)
        if claimed is None:
            return 0
        await runtime.directory.ensure_workspaces(claimed[:1])
        await tx.see(claimed[:1])
        begun = await queue.begin(tx, *claimed)
        row = await import_previews.find(tx, *claimed)
        if row is None:
            await queue.end(tx, *claimed)
            return 1
    try:
        await _make(runtime, row)
    except LeaseLostError:
        log.warning("an import preview took too long between two signs of life", extra={"preview": str(row.preview_id)})
    except BaseException as error:
        counts = isinstance(error, Exception) and not is_transient(error)
        async with runtime.worker_database.transaction(row.workspace_id) as tx:
            await queue.let_go(tx, *claimed, begun, counts=counts)
        raise
    return 1


async def _make(runtime: Runtime[Any], row: PreviewRow) -> None:
    now = runtime.now(row.workspace_id)
    read = 0

    async def progress(last: int) -> None:
        nonlocal read
        read = last
        async with runtime.worker_database.transaction(row.workspace_id) as tx:
            await import_previews.advance(tx, row, last)

    report, why = None, ""
    try:
        if row.tries > MOST_TIMES:
            raise _Impossible(f"it was begun {MOST_TIMES} times and not ended: try a smaller file")
        report = msgspec.to_builtins(await _foreseen(runtime, row, progress))
    except _Impossible as error:
        why = str(error)
    except LeaseLostError:
        raise
    except Exception as error:
        if is_transient(error):
            raise
        # One that cannot be made must not keep all others from being made.
        log.exception("an import preview cannot be made", extra={"preview": str(row.preview_id)})
        why = f"it cannot be made: {type(error).__name__}; the log says more"
    state = "done" if report is not None else "failed"
    async with runtime.worker_database.transaction(row.workspace_id) as tx:
        ended = await import_previews.finish(tx, row, state=state, rows_read=read, report=report, why=why, now=now)
    if ended:
        await _forget_upload(runtime, row)


async def _foreseen(runtime: Runtime[Any], row: PreviewRow, progress: Callable[[int], Awaitable[None]]) -> Forecast:
    source = runtime.directory.source(row.source_id)
    if source is None:
        raise _Impossible("its source is gone")
    now = runtime.now(row.workspace_id)

    async def foresee() -> Forecast:
        async with runtime.worker_database.session(row.workspace_id) as tx:
            plan = (await runtime.parts.plans.in_force(tx, [row.workspace_id])).get(row.workspace_id)
            tools = runtime.parts.graph
            return await foresee_import(tx, tools, _chunks(row), source=source, plan=plan, now=now, progress=progress)

    async def renew() -> bool:
        async with runtime.worker_database.transaction(row.workspace_id) as tx:
            return await queue.renew(tx, row.workspace_id, row.preview_id, row.begun)

    return await under_lease(foresee(), renew, every_seconds=RENEW_SECONDS)


async def _chunks(row: PreviewRow) -> AsyncIterator[Chunk]:
    mapping = msgspec.convert(row.mapping, ImportMapping)
    try:
        rows = read_rows(Path(row.file_path), row.format)
        last = 0
        while True:
            some = islice(rows, CHUNK_ROWS)
            chunk = await asyncio.to_thread(read_chunk, some, mapping, row.file_hash, after=last)
            if chunk.last == last:
                return
            last = chunk.last
            yield chunk
    except (OSError, ValueError, EOFError) as error:
        raise _Impossible(f"the file cannot be read: {error}") from error


async def _forget_upload(runtime: Runtime[Any], row: PreviewRow) -> None:
    path = Path(row.file_path)
    if path.parent == Path(runtime.settings.data_dir) / UPLOADS:
        # it holds people in clear, and was sent to be tried alone
        await asyncio.to_thread(path.unlink, missing_ok=True)
    log.info("import preview made", extra={"preview": str(row.preview_id)})


async def open_previews(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many previews of a workspace are still to be made."""
    async with runtime.worker_database.transaction([]) as tx:
        return await import_previews.count_open(tx, workspace_id)


job = Job(name="run_import_previews", run=run, open=open_previews, idle_seconds=1.0)
