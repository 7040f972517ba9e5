from typing import Any

import msgspec

from libs.common.access.model import Source
from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.store import access


async def update_source(tx: Tx, *, workspace_id: int, source_id: int, changes: dict[str, Any]) -> Source:
    """Change what a source declares."""
    source = await access.source_to_change(tx, workspace_id, source_id)
    if source is None:
        raise NotFound("there is no such source")
    changed = msgspec.structs.replace(source, **changes, version=source.version + 1)
    await access.keep(tx, changed)
    return changed
