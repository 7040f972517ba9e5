from datetime import datetime

import msgspec

from libs.common.access.model import ApiKey
from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.store import access


async def revoke_key(tx: Tx, *, workspace_id: int, key_id: str, now: datetime) -> ApiKey:
    """End a key at once, everywhere within a second; a revoked key stays revoked."""
    record = await access.key_to_change(tx, workspace_id, key_id)
    if record is None:
        raise NotFound("there is no such key")
    if record.revoked_at is not None:
        return record
    revoked = msgspec.structs.replace(record, revoked_at=now, version=record.version + 1)
    await access.keep(tx, revoked)
    return revoked
