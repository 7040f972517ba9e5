from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.access.model import ApiKey, Source, SourceKind
from libs.common.clock import wall_now
from libs.common.db import Tx
from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Page
from libs.common.runtime import Runtime
from services.identity.store import access
from services.identity.usecases.create_source import create_source
from services.identity.usecases.issue_key import issue_key
from services.identity.usecases.revoke_key import revoke_key
from services.identity.usecases.update_source import update_source

router = APIRouter(prefix="/v1/identity/sources", tags=["sources"])

Reader = Annotated[Caller, Depends(requires("sources:read"))]
Writer = Annotated[Caller, Depends(requires("sources:write"))]


class SourceFields(BaseModel):
    """What a source declares about itself."""

    name: str = Field(min_length=1, max_length=200)
    kind: SourceKind = "web"
    issuer: str = Field("main", max_length=100, description="scope of the user ids this source sends")
    best_tier: int = Field(2, ge=1, le=4, description="strongest evidence it can give; 1 needs `trusted`")
    default_region: str = Field("CN", pattern=r"^[A-Z]{2}$", description="region of phone numbers without +")
    priority: int = Field(100, ge=1, le=1000, description="rank where two sources disagree; smaller wins")
    quota_per_second: int = Field(0, ge=0, description="events a second; 0 = unbounded")
    trusted: bool = Field(False, description="a server of yours holds the key: verified identifiers are believed")
    origins: list[str] = Field([], max_length=100, description="browser origins allowed; empty = all")
    logout_event: str = Field("Signed Out", max_length=200)
    settings: dict[str, object] = {}


class NewSource(SourceFields):
    """A source to make."""

    key: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")


class SourceChange(BaseModel):
    """What may change about a source."""

    name: str | None = Field(None, min_length=1, max_length=200)
    quota_per_second: int | None = Field(None, ge=0)
    priority: int | None = Field(None, ge=1, le=1000)
    default_region: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    origins: list[str] | None = None
    enabled: bool | None = None
    logout_event: str | None = Field(None, min_length=1, max_length=200)
    settings: dict[str, object] | None = None


class SourceView(NewSource):
    """A source."""

    source_id: int
    enabled: bool

    @classmethod
    def of(cls, source: Source) -> "SourceView":
        """Return the view of a record."""
        return cls.model_validate(source, from_attributes=True)


class SourceMade(SourceView):
    """A source with its first write key, told this once."""

    write_key: str


class WriteKey(BaseModel):
    """A write key, told this once."""

    key_id: str
    write_key: str


def publish(tx: Tx, runtime: Runtime[None], *records: Source | ApiKey) -> None:
    """Let this process know the records once they are durable, and wake the job that tells the others."""

    def tell() -> None:
        for record in records:
            runtime.directory.put(record)
        runtime.wake("publish_access")

    tx.after_commit(tell)


def the_source(runtime: Runtime[None], caller: Caller, source_id: int) -> Source:
    """Return a source of the caller's workspace."""
    source = runtime.directory.source(source_id)
    if source is None or source.workspace_id != caller.workspace_id:
        raise NotFound("there is no such source")
    return source


@router.post("", status_code=201)
async def post_source(body: NewSource, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> SourceMade:
    """Make a source and its write key; keep the key, it is not told again."""
    fields = body.model_dump()
    if not body.trusted:
        fields["best_tier"] = max(2, body.best_tier)
    fields["origins"] = tuple(body.origins)
    source, record, text = await create_source(tx, workspace_id=caller.workspace_id, fields=fields)
    publish(tx, runtime, source, record)
    return SourceMade(**SourceView.of(source).model_dump(), write_key=text)


@router.get("")
async def get_sources(caller: Reader, runtime: RuntimeOf) -> Page[SourceView]:
    """List the workspace's sources."""
    return Page(items=[SourceView.of(source) for source in runtime.directory.sources(caller.workspace_id)])


@router.get("/{source_id}")
async def get_source(source_id: int, caller: Reader, runtime: RuntimeOf) -> SourceView:
    """Return one source."""
    return SourceView.of(the_source(runtime, caller, source_id))


@router.patch("/{source_id}")
async def patch_source(
    source_id: int, body: SourceChange, caller: Writer, runtime: RuntimeOf, tx: Transaction
) -> SourceView:
    """Change a source; `enabled: false` refuses its keys."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    if "origins" in changes:
        changes["origins"] = tuple(changes["origins"])
    the_source(runtime, caller, source_id)
    changed = await update_source(tx, workspace_id=caller.workspace_id, source_id=source_id, changes=changes)
    publish(tx, runtime, changed)
    return SourceView.of(changed)


@router.post("/{source_id}/keys", status_code=201)
async def post_source_key(source_id: int, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> WriteKey:
    """Make a further write key, so that the old one can be revoked once nobody uses it."""
    source = the_source(runtime, caller, source_id)
    record, text = await issue_key(
        tx, workspace_id=caller.workspace_id, kind="write", name=source.name, scopes=("events:write",),
        source_id=source_id,
    )  # fmt: skip
    publish(tx, runtime, record)
    return WriteKey(key_id=record.key_id, write_key=text)


@router.delete("/{source_id}/keys/{key_id}", status_code=204)
async def delete_source_key(source_id: int, key_id: str, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> None:
    """Revoke a write key everywhere within a second."""
    the_source(runtime, caller, source_id)
    keys = await access.keys_of(tx, caller.workspace_id)
    if not any(record.key_id == key_id and record.source_id == source_id for record in keys):
        raise NotFound("there is no such key")
    publish(tx, runtime, await revoke_key(tx, workspace_id=caller.workspace_id, key_id=key_id, now=wall_now()))
