from datetime import datetime

from libs.common.access.keys import KeyKind, key_hash, new_key
from libs.common.access.model import ApiKey
from libs.common.db import Tx
from libs.common.ids import new_id
from services.identity.store import access


async def issue_key(
    tx: Tx,
    *,
    workspace_id: int,
    kind: KeyKind,
    name: str,
    scopes: tuple[str, ...],
    source_id: int = 0,
    member: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; its text is told this once, only the hash is kept."""
    text = new_key(kind)
    record = ApiKey(
        key_id=str(new_id()),
        kind=kind,
        hash=key_hash(text),
        workspace_id=workspace_id,
        source_id=source_id,
        scopes=scopes,
        name=name,
        member=member,
        expires_at=expires_at,
    )
    await access.keep(tx, record)
    return record, text
