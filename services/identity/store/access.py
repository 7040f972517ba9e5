"""Workspaces, sources, keys and members: the records every service follows."""

from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.access.directory import record_name
from libs.common.access.model import AccessRecord, ApiKey, Source, Workspace
from libs.common.access.projection import WORKSPACE_COLUMNS, load_records, save_record, workspace_of
from libs.common.db import Tx, statement
from libs.common.errors import Conflict

_CHANGE = """
insert into access_change (name, workspace_id, document, version)
values (:name, :workspace_id, :document, :version)
on conflict (name) do update set document = excluded.document, version = excluded.version
where access_change.version <= excluded.version
"""
_MEMBER = """
insert into member (member_id, workspace_id, email_lookup, email_sealed, role, password_hash, password_salt)
values (:member_id, :workspace_id, :email_lookup, :email_sealed, :role, :password_hash, :password_salt)
on conflict (workspace_id, email_lookup) do update set
    role = excluded.role, password_hash = coalesce(excluded.password_hash, member.password_hash),
    password_salt = coalesce(excluded.password_salt, member.password_salt), removed_at = null
returning member_id
"""


async def next_workspace_id(tx: Tx) -> int:
    """Return the next workspace number."""
    return int(await tx.fetch_value(statement("select nextval('workspace_number')")))


async def next_source_id(tx: Tx) -> int:
    """Return the next source number."""
    return int(await tx.fetch_value(statement("select nextval('source_number')")))


async def keep(tx: Tx, record: AccessRecord) -> None:
    """Save a record and queue it for the bucket in the same transaction; Conflict when it was changed meanwhile."""
    if not await save_record(tx, record):
        raise Conflict("this was changed at the same moment; look again")
    await _queue(tx, record)


async def _queue(tx: Tx, record: AccessRecord) -> None:
    await tx.execute(
        statement(_CHANGE),
        name=record_name(record),
        workspace_id=record.workspace_id,
        document=msgspec.json.encode(record),
        version=record.version,
    )


async def assert_workspace_key_free(tx: Tx, key: str) -> None:
    """Raise Conflict when a workspace of this key exists."""
    if await tx.fetch_value(statement("select 1 from workspace where key = :key"), key=key):
        raise Conflict(f"a workspace with the key {key!r} exists")


async def changed_records(tx: Tx, limit: int = 200) -> list[tuple[str, bytes, int]]:
    """Claim records the bucket does not have yet."""
    rows = await tx.fetch(
        statement("select name, document, version from access_change limit :limit for update skip locked"), limit=limit
    )
    return [(row["name"], bytes(row["document"]), row["version"]) for row in rows]


async def forget_changes(tx: Tx, names: list[str]) -> None:
    """Drop records that reached the bucket."""
    await tx.execute(statement("delete from access_change where name = any(:names)"), names=names)


async def workspace_to_change(tx: Tx, workspace_id: int) -> Workspace | None:
    """Return a workspace, locked for this transaction."""
    row = await tx.fetch_one(
        statement(f"select {WORKSPACE_COLUMNS} from workspace where workspace_id = :workspace_id for update"),
        workspace_id=workspace_id,
    )
    return workspace_of(row) if row else None


async def source_to_change(tx: Tx, workspace_id: int, source_id: int) -> Source | None:
    """Return a source of a workspace, locked for this transaction."""
    row = await tx.fetch_one(
        statement(
            "select document from source where source_id = :source_id and workspace_id = :workspace_id for update"
        ),
        source_id=source_id,
        workspace_id=workspace_id,
    )
    return msgspec.convert(row["document"], Source) if row else None


async def key_to_change(tx: Tx, workspace_id: int, key_id: str) -> ApiKey | None:
    """Return a key of a workspace, locked for this transaction."""
    row = await tx.fetch_one(
        statement(
            "select document from api_key where workspace_id = :workspace_id and document ->> 'key_id' = :key_id"
            " for update"
        ),
        workspace_id=workspace_id,
        key_id=key_id,
    )
    return msgspec.convert(row["document"], ApiKey) if row else None


async def keys_of(tx: Tx, workspace_id: int) -> list[ApiKey]:
    """Return the keys of a workspace, newest first."""
    rows = await tx.fetch(
        statement(
            "select document from api_key where workspace_id = :workspace_id order by document ->> 'key_id' desc"
        ),
        workspace_id=workspace_id,
    )
    return [msgspec.convert(row["document"], ApiKey) for row in rows]


async def list_keys(tx: Tx, workspace_id: int, *, before: str | None, limit: int) -> list[ApiKey]:
    """Return keys of a workspace, newest first, beginning after the key `before`."""
    rows = await tx.fetch(
        statement(
            "select document from api_key where workspace_id = :workspace_id"
            " and (:before::text is null or document ->> 'key_id' < :before)"
            " order by document ->> 'key_id' desc limit :limit"
        ),
        workspace_id=workspace_id,
        before=before,
        limit=limit,
    )
    return [msgspec.convert(row["document"], ApiKey) for row in rows]


async def first_record_name(tx: Tx) -> str | None:
    """Return the name of a record that is there as long as any is: by it an empty bucket is known."""
    found = await tx.fetch_value(statement("select min(workspace_id) from workspace"))
    if found is not None:
        return f"workspace.{found}"
    key: bytes | None = await tx.fetch_value(statement("select hash from api_key order by hash limit 1"))
    return f"key.{key.hex()}" if key is not None else None


async def requeue_all(tx: Tx) -> None:
    """Queue every workspace, source and key for the bucket (worker role)."""
    # A change committed between reading and queueing would be overwritten by what was read.
    await tx.execute(statement("lock table workspace, source, api_key in share mode"))
    for record in await load_records(tx):  # once a start, and when a bucket is lost: clarity over speed
        await _queue(tx, record)


async def save_member(
    tx: Tx,
    *,
    member_id: UUID,
    workspace_id: int,
    email_lookup: bytes,
    email_sealed: str,
    role: str,
    password: tuple[bytes, bytes] | None,
) -> UUID:
    """Insert or change a member by his e-mail; return his id."""
    found: UUID = await tx.fetch_value(
        statement(_MEMBER),
        member_id=member_id,
        workspace_id=workspace_id,
        email_lookup=email_lookup,
        email_sealed=email_sealed,
        role=role,
        password_hash=password[0] if password else None,
        password_salt=password[1] if password else None,
    )
    return found


class MemberRow(msgspec.Struct, frozen=True):
    """A console user of a workspace."""

    member_id: UUID
    email_sealed: str
    role: str
    password_hash: bytes | None
    password_salt: bytes | None
    failed_logins: int
    locked_until: datetime | None


_MEMBER_COLUMNS = "member_id, email_sealed, role, password_hash, password_salt, failed_logins, locked_until"


async def members_of(tx: Tx, workspace_id: int) -> list[MemberRow]:
    """Return the members of a workspace in the order they came."""
    rows = await tx.fetch(
        statement(
            f"select {_MEMBER_COLUMNS} from member"
            " where workspace_id = :workspace_id and removed_at is null order by member_id"
        ),
        workspace_id=workspace_id,
    )
    return [MemberRow(**dict(row)) for row in rows]


async def member_by_email(tx: Tx, workspace_id: int, email_lookup: bytes) -> MemberRow | None:
    """Return a member by the keyed hash of his e-mail, locked for this transaction."""
    row = await tx.fetch_one(
        statement(
            f"select {_MEMBER_COLUMNS} from member"
            " where workspace_id = :workspace_id and email_lookup = :email_lookup and removed_at is null for update"
        ),
        workspace_id=workspace_id,
        email_lookup=email_lookup,
    )
    return MemberRow(**dict(row)) if row else None


async def note_login(tx: Tx, member_id: UUID, *, failed: int, locked_until: datetime | None) -> None:
    """Count a failed login, or reset the count with 0."""
    await tx.execute(
        statement(
            "update member set failed_logins = :failed, locked_until = :locked_until where member_id = :member_id"
        ),
        member_id=member_id,
        failed=failed,
        locked_until=locked_until,
    )


async def remove_member(tx: Tx, workspace_id: int, member_id: UUID) -> bool:
    """End a membership; tell whether it was there."""
    return bool(
        await tx.execute(
            statement(
                "update member set removed_at = clock_timestamp()"
                " where workspace_id = :workspace_id and member_id = :member_id and removed_at is null"
            ),
            workspace_id=workspace_id,
            member_id=member_id,
        )
    )


async def count_changes(tx: Tx, workspace_id: int) -> int:
    """Count a workspace's records that are not in the bucket yet."""
    return int(
        await tx.fetch_value(
            statement("select count(*) from access_change where workspace_id = :workspace_id"),
            workspace_id=workspace_id,
        )
    )


async def is_known_key(tx: Tx, key_hash: bytes) -> bool:
    """Tell whether a key of this hash is kept."""
    return bool(await tx.fetch_value(statement("select 1 from api_key where hash = :hash"), hash=key_hash))
