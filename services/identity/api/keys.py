from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, field_validator

from libs.common.access.model import SCOPES, ApiKey
from libs.common.clock import wall_now
from libs.common.errors import Forbidden
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.sources import publish
from services.identity.store import access
from services.identity.usecases.issue_key import issue_key
from services.identity.usecases.revoke_key import revoke_key
from services.identity.usecases.rotate_key import rotate_key

router = APIRouter(prefix="/v1/identity/keys", tags=["keys"])

KeyKeeper = Annotated[Caller, Depends(requires("keys:write"))]


class NewKey(BaseModel):
    """A secret key to make."""

    name: str = Field(min_length=1, max_length=200)
    scopes: list[str] = Field(min_length=1, max_length=40)
    expires_at: AwareDatetime | None = None

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: list[str]) -> list[str]:
        unknown = sorted(set(scopes) - SCOPES)
        if unknown:
            raise ValueError(f"unknown scopes {unknown}; there are {sorted(SCOPES)}")
        return scopes


class KeyView(BaseModel):
    """A key without its text."""

    key_id: str
    kind: str
    name: str
    scopes: list[str]
    source_id: int
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, record: ApiKey) -> "KeyView":
        """Return the view of a record."""
        return cls(
            key_id=record.key_id, kind=record.kind, name=record.name, scopes=list(record.scopes),
            source_id=record.source_id, expires_at=record.expires_at, revoked_at=record.revoked_at,
        )  # fmt: skip


class KeyMade(KeyView):
    """A key with its text, told this once."""

    key: str


class Rotation(BaseModel):
    """How long the old key goes on."""

    overlap_seconds: int = Field(86_400, ge=0, le=90 * 86_400)


def _within_own_rights(caller: Caller, scopes: list[str]) -> None:
    beyond = [scope for scope in scopes if not caller.may(scope)]
    if beyond:
        raise Forbidden(f"a key cannot give rights its maker lacks: {beyond}")


@router.post("", status_code=201)
async def post_key(body: NewKey, caller: KeyKeeper, runtime: RuntimeOf, tx: Transaction) -> KeyMade:
    """Make a secret key with scopes; keep its text, it is not told again."""
    _within_own_rights(caller, body.scopes)
    record, text = await issue_key(
        tx, workspace_id=caller.workspace_id, kind="secret", name=body.name, scopes=tuple(body.scopes),
        expires_at=body.expires_at,
    )  # fmt: skip
    publish(tx, runtime, record)
    return KeyMade(**KeyView.of(record).model_dump(), key=text)


@router.get("")
async def get_keys(caller: KeyKeeper, tx: Transaction, limit: Limit = 100, cursor: Cursor = None) -> Page[KeyView]:
    """List the workspace's keys, newest first."""
    position = decode_cursor(cursor, tuple[str])
    records = await access.list_keys(tx, caller.workspace_id, before=position[0] if position else None, limit=limit + 1)
    items = [KeyView.of(record) for record in records[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].key_id) if len(records) > limit else None)


@router.post("/{key_id}/rotate", status_code=201)
async def post_rotation(key_id: str, body: Rotation, caller: KeyKeeper, runtime: RuntimeOf, tx: Transaction) -> KeyMade:
    """Make a successor with the same rights; the old key expires after the overlap."""
    record, text, ending = await rotate_key(
        tx, workspace_id=caller.workspace_id, key_id=key_id,
        overlap=timedelta(seconds=body.overlap_seconds), now=wall_now(),
    )  # fmt: skip
    _within_own_rights(caller, list(record.scopes))
    publish(tx, runtime, record, ending)
    return KeyMade(**KeyView.of(record).model_dump(), key=text)


@router.delete("/{key_id}", status_code=204)
async def delete_key(key_id: str, caller: KeyKeeper, runtime: RuntimeOf, tx: Transaction) -> None:
    """Revoke a key everywhere within a second."""
    publish(tx, runtime, await revoke_key(tx, workspace_id=caller.workspace_id, key_id=key_id, now=wall_now()))
