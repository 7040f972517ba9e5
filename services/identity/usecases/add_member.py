import asyncio
import os
from uuid import UUID

from libs.common.access.model import RoleName
from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.identity.domain.passwords import hash_password
from services.identity.store import access


async def add_member(
    tx: Tx, *, sealer: Sealer, workspace_id: int, email: str, role: RoleName, password: str | None
) -> UUID:
    """Let a console user in, or change his role or password; he is found by his e-mail in lower case."""
    address = email.strip().lower()
    salt = os.urandom(16)
    return await access.save_member(
        tx,
        member_id=new_id(),
        workspace_id=workspace_id,
        email_lookup=sealer.lookup("member", address.encode()),
        email_sealed=sealer.seal_json(address),
        role=role,
        password=(await asyncio.to_thread(hash_password, password, salt), salt) if password else None,
    )
