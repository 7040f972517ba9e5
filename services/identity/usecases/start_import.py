"""Queue a file for import."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx
from services.identity.domain.mapping import ImportMapping
from services.identity.store import imports
from services.identity.store.imports import ImportRow
from services.identity.store.row_files import Format


async def start_import(
    tx: Tx,
    *,
    workspace_id: int,
    import_id: UUID,
    source_id: int,
    file_name: str,
    file_path: str,
    file_hash: str,
    file_format: Format,
    total_rows: int,
    mapping: ImportMapping,
    live: bool,
    now: datetime,
) -> ImportRow:
    """Save an import whose file is in place, and queue it."""
    row = ImportRow(
        workspace_id=workspace_id,
        import_id=import_id,
        source_id=source_id,
        file_name=file_name,
        file_path=file_path,
        file_hash=file_hash,
        format=file_format,
        mapping=msgspec.to_builtins(mapping),
        live=live,
        total_rows=total_rows,
        created_at=now,
    )
    await imports.add(tx, row)
    return row
