"""Back-fill: files of events, mapped, checked in a dry run, taken in the background."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from libs.common.errors import Conflict, Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.cells import csv_lines
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from services.identity.api.import_files import ImportAsked, ImportFile, read_request
from services.identity.domain.import_rows import read_chunk
from services.identity.store import imports, quarantine
from services.identity.store.imports import ImportRow
from services.identity.store.quarantine import QuarantineRow
from services.identity.store.row_files import read_rows
from services.identity.usecases.preview_import import Preview, preview_import
from services.identity.usecases.resume_import import resume_import
from services.identity.usecases.start_import import start_import

router = APIRouter(prefix="/v1/imports", tags=["imports"])

Writer = Annotated[Caller, Depends(requires("imports:write"))]
Form = Annotated[Literal["csv", "ndjson"], Query(alias="as")]
_PREVIEW_ROWS = 2_000
_ERRORS_AT_ONCE = 1_000


class ImportView(BaseModel):
    """An import and how far it is; `rows` of `total_rows` are in the record."""

    import_id: UUID
    source_id: int
    file_name: str
    file_hash: str
    format: str
    live: bool
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    total_rows: int
    rows: int
    accepted: int
    duplicate: int
    conflict: int
    quarantined: int
    personless: int
    why: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: ImportRow) -> "ImportView":
        """Return the view of a row."""
        named = {name: getattr(row, name) for name in cls.model_fields if name != "rows"}
        return cls(rows=row.next_row, **named)


@router.post("", status_code=202, response_model=None)
async def post_import(request: Request, caller: Writer, runtime: RuntimeOf) -> Response:
    """Import a file: 202 with the import, or 200 with what it would do when `dry_run` is set.

    JSON `{source_id, path, format, mapping, dry_run, live}`, or multipart with that JSON as `spec` and the `file`.
    A file may have any number of rows: no more than 2,000 of them, or 8 MiB, are in memory at a time. A row with a line
    of more than 1 MiB waits in quarantine; a CSV with a row of several lines that is larger than 4 MiB is refused.
    """
    import_id = new_id()
    asked, file = await read_request(request, runtime, import_id)
    try:
        source = runtime.directory.source(asked.source_id)
        if source is None or source.workspace_id != caller.workspace_id:
            raise Invalid.at("/source_id", "there is no such source")
        if asked.dry_run:
            preview = await _preview(runtime, caller.workspace_id, asked, file)
            return Response(msgspec.json.encode(preview), media_type="application/json")
        row = await _start(runtime, caller.workspace_id, import_id, asked, file)
    except BaseException:
        file.forget()
        raise
    view = ImportView.of(row)
    return Response(view.model_dump_json(), 202, {"Location": f"/v1/imports/{import_id}"}, "application/json")


async def _start(
    runtime: Runtime[Any], workspace_id: int, import_id: UUID, asked: ImportAsked, file: ImportFile
) -> ImportRow:
    async with runtime.database.transaction(workspace_id) as tx:
        row = await start_import(
            tx,
            workspace_id=workspace_id,
            import_id=import_id,
            source_id=asked.source_id,
            file_name=file.name,
            file_path=str(file.path),
            file_hash=file.hash,
            file_format=file.format,
            total_rows=file.rows,
            mapping=asked.mapping,
            live=asked.live,
            now=runtime.now(workspace_id),
        )
        tx.after_commit(lambda: runtime.wake("run_imports"))
    return row


async def _preview(runtime: Runtime[Any], workspace_id: int, asked: ImportAsked, file: ImportFile) -> Preview:
    preview = Preview()
    try:
        rows = read_rows(file.path, file.format)
        while True:
            some = islice(rows, _PREVIEW_ROWS)
            chunk = await asyncio.to_thread(read_chunk, some, asked.mapping, file.hash, after=preview.rows)
            if not chunk.calls and not chunk.bad:
                return preview
            async with runtime.database.transaction(workspace_id) as tx:
                preview = await preview_import(
                    tx, preview=preview, chunk=chunk, workspace_id=workspace_id, source_id=asked.source_id
                )
    finally:
        file.forget()


@router.get("")
async def list_imports(caller: Writer, tx: Transaction, limit: Limit = 50, cursor: Cursor = None) -> Page[ImportView]:
    """List imports, newest first."""
    before = decode_cursor(cursor, tuple[UUID])
    rows = await imports.list_rows(tx, caller.workspace_id, limit + 1, before[0] if before else None)
    more = encode_cursor(rows[limit - 1].import_id) if len(rows) > limit else None
    return Page(items=[ImportView.of(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{import_id}")
async def get_import(import_id: UUID, caller: Writer, tx: Transaction) -> ImportView:
    """Say how far an import is."""
    return ImportView.of(_found(await imports.find(tx, caller.workspace_id, import_id)))


@router.post("/{import_id}/stop")
async def stop_import(import_id: UUID, caller: Writer, runtime: RuntimeOf) -> ImportView:
    """Stop an import after its present chunk; what is in the record stays, and it can go on (`resume`).

    Its upload is kept for a day from when it was sent.
    """
    async with runtime.worker_database.transaction(caller.workspace_id) as tx:
        _found(await imports.find(tx, caller.workspace_id, import_id))
        now = runtime.now(caller.workspace_id)
        if not await imports.finish(tx, caller.workspace_id, import_id, state="stopped", why="asked for", now=now):
            raise Conflict("the import is over")
        return ImportView.of(_found(await imports.find(tx, caller.workspace_id, import_id)))


@router.post("/{import_id}/resume")
async def resume(import_id: UUID, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> ImportView:
    """Have an import that failed or was stopped go on after its last row in the record; its file is kept for a day.

    409 with `file_gone` or `file_changed` where it is not that file any more: then it is a new import, of which the
    rows taken before are duplicates if the file is the same.
    """
    row = await resume_import(tx, workspace_id=caller.workspace_id, import_id=import_id)
    tx.after_commit(lambda: runtime.wake("run_imports"))
    return ImportView.of(row)


@router.get("/{import_id}/errors", response_model=None)
async def import_errors(
    import_id: UUID, caller: Writer, runtime: RuntimeOf, form: Form = "ndjson"
) -> StreamingResponse:
    """Return the rows that could not be taken: number, reason, pointer and the cells, as NDJSON or CSV."""
    async with runtime.database.transaction(caller.workspace_id) as tx:
        _found(await imports.find(tx, caller.workspace_id, import_id))
    lines = _error_lines(runtime, caller.workspace_id, import_id, form)
    media = "text/csv" if form == "csv" else "application/x-ndjson"
    return StreamingResponse(lines, media_type=media)


async def _error_lines(runtime: Runtime[Any], workspace_id: int, import_id: UUID, form: str) -> AsyncIterator[bytes]:
    if form == "csv":
        yield b"row,reason,pointer,detail,cells\r\n"
    before: UUID | None = None
    while True:
        async with runtime.database.transaction(workspace_id) as tx:
            rows = await quarantine.list_rows(
                tx, workspace_id=workspace_id, limit=_ERRORS_AT_ONCE, before=before, import_id=import_id, status=None
            )
        if not rows:
            return
        before = rows[-1].quarantine_id
        sealer = runtime.sealer(workspace_id)
        yield b"".join(_line(row, sealer.open(row.payload), form) for row in rows)


def _line(row: QuarantineRow, cells: bytes, form: str) -> bytes:
    if form == "ndjson":
        told = {"row": row.row_no, "reason": row.reason, "pointer": row.pointer, "detail": row.detail}
        return msgspec.json.encode({**told, "cells": msgspec.Raw(cells)}) + b"\n"
    values = [str(row.row_no), row.reason, row.pointer, row.detail, cells.decode("utf-8", "replace")]
    return csv_lines([values])


def _found(row: ImportRow | None) -> ImportRow:
    if row is None:
        raise NotFound("there is no such import")
    return row
