import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.access.model import ROLE_SCOPES, ApiKey
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.identity.domain.passwords import password_fits
from services.identity.store import access
from services.identity.usecases.issue_key import issue_key

SESSION = timedelta(hours=12)
TRIES = 5
LOCK = timedelta(minutes=5)


@dataclass(frozen=True)
class Opened:
    """A session, or None where the login was refused (the failed try is counted all the same)."""

    record: ApiKey | None
    token: str = ""
    locked_until: datetime | None = None


async def open_session(
    tx: Tx, *, sealer: Sealer, workspace_id: int, email: str, password: str, now: datetime
) -> Opened:
    """Log a console user in; after five wrong passwords the account rests for five minutes."""
    member = await access.member_by_email(tx, workspace_id, sealer.lookup("member", email.strip().lower().encode()))
    if member is None or member.password_hash is None or member.password_salt is None:
        return Opened(None)
    if member.locked_until is not None and member.locked_until > now:
        return Opened(None, locked_until=member.locked_until)
    # 50 ms of arithmetic: away from the loop that takes events
    if not await asyncio.to_thread(password_fits, password, member.password_salt, member.password_hash):
        failed = member.failed_logins + 1
        locked_until = now + LOCK if failed >= TRIES else None
        await access.note_login(tx, member.member_id, failed=failed % TRIES, locked_until=locked_until)
        return Opened(None, locked_until=locked_until)
    await access.note_login(tx, member.member_id, failed=0, locked_until=None)
    record, token = await issue_key(
        tx,
        workspace_id=workspace_id,
        kind="session",
        name=f"session of {member.role}",
        scopes=ROLE_SCOPES[member.role],  # type: ignore[index]  # the table's check keeps it a RoleName
        member=str(member.member_id),
        expires_at=now + SESSION,
    )
    return Opened(record, token)
