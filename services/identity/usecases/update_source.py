from typing import Any

import msgspec

from libs.common.access.model import Source
from libs.common.db import Tx
from services.identity.store import access


async def update_source(tx: Tx, *, source: Source, changes: dict[str, Any]) -> Source:
    """Change what a source declares."""
    changed = msgspec.structs.replace(source, **changes, version=source.version + 1)
    await access.keep(tx, changed)
    return changed
