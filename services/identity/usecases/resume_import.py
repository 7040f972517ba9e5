"""An import that failed or was stopped goes on where it ended."""

import asyncio
from pathlib import Path
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.identity.store import imports
from services.identity.store.imports import ImportRow
from services.identity.store.row_files import file_hash


async def resume_import(tx: Tx, *, workspace_id: int, import_id: UUID) -> ImportRow:
    """Queue an import again; what is in the record stays there, and the next row is the first that is not.

    Raises NotFound, and Conflict when it is not over, has taken all its rows, or its file is gone or another one.
    """
    row = await imports.find(tx, workspace_id, import_id)
    if row is None:
        raise NotFound("there is no such import")
    if row.state not in {"failed", "stopped"}:
        raise Conflict(f"the import is {row.state}; only one that failed or was stopped goes on", code="not_over")
    try:
        digest = await asyncio.to_thread(file_hash, Path(row.file_path))
    except OSError as error:
        again = "send it again as a new import; rows that are in the record are duplicates then"
        raise Conflict(f"its file is there no more: {again}", code="file_gone") from error
    if digest != row.file_hash:
        raise Conflict("its file is another one by now: start a new import of it", code="file_changed")
    if not await imports.resume(tx, workspace_id, import_id):
        raise Conflict("somebody else has it go on already", code="not_over")
    found = await imports.find(tx, workspace_id, import_id)
    return found or row
