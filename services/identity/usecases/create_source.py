from typing import Any

from libs.common.access.keys import key_hash, new_key
from libs.common.access.model import ApiKey, Source
from libs.common.db import Tx
from libs.common.ids import new_id
from services.identity.store import access


async def create_source(tx: Tx, *, workspace_id: int, fields: dict[str, Any]) -> tuple[Source, ApiKey, str]:
    """Make a source and its first write key; the key's text is told this once."""
    source = Source(source_id=await access.next_source_id(tx), workspace_id=workspace_id, **fields)
    await access.keep(tx, source)
    text = new_key("write")
    record = ApiKey(
        key_id=str(new_id()),
        kind="write",
        hash=key_hash(text),
        workspace_id=workspace_id,
        source_id=source.source_id,
        name=source.name,
        scopes=("events:write",),
    )
    await access.keep(tx, record)
    return source, record, text
