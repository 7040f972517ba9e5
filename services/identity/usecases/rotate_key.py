from datetime import datetime, timedelta

import msgspec

from libs.common.access.model import ApiKey
from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.identity.store import access
from services.identity.usecases.issue_key import issue_key


async def rotate_key(
    tx: Tx, *, workspace_id: int, key_id: str, overlap: timedelta, now: datetime
) -> tuple[ApiKey, str, ApiKey]:
    """Make a successor with the same rights; the old key goes on for `overlap`, then expires.

    Returns (new record, new text, old record).
    """
    old = await access.key_to_change(tx, workspace_id, key_id)
    if old is None:
        raise NotFound("there is no such key")
    if old.revoked_at is not None:
        raise Conflict("the key is revoked; make a new one")
    record, text = await issue_key(
        tx, workspace_id=workspace_id, kind=old.kind, name=old.name, scopes=old.scopes, source_id=old.source_id
    )
    expires = min(now + overlap, old.expires_at) if old.expires_at else now + overlap
    ending = msgspec.structs.replace(old, expires_at=expires, version=old.version + 1)
    await access.keep(tx, ending)
    return record, text, ending
