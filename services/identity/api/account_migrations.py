from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from opentelemetry import metrics
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.db import Tx
from libs.common.errors import Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import author_of, parts_of
from services.identity.api.query import STORABLE
from services.identity.domain.account_migration import WINDOW, Translated, alarm
from services.identity.store import account_migrations
from services.identity.store.account_migrations import MigrationRow
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.translate_openids import translate_openids

router = APIRouter(prefix="/v1/identity/wechat/migrations", tags=["wechat"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Personal = Annotated[Caller, Depends(requires("personal:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
Scope = Annotated[str, Field(min_length=1, max_length=200, pattern=STORABLE)]
Platform = Annotated[str, Field(max_length=200, pattern=STORABLE)]
Instant = Annotated[AwareDatetime, Field(ge=datetime(2012, 1, 1, tzinfo=UTC), le=datetime(2199, 1, 1, tzinfo=UTC))]
Text = Annotated[str, Field(max_length=512)]

_untranslated = metrics.get_meter("rapport").create_gauge(
    "rapport.identity.openids_untranslated", description="openids of a moved account that WeChat was not asked about"
)


class MigrationBody(BaseModel):
    """A WeChat account that moved; the platforms where it went to another open platform with it."""

    model_config = ConfigDict(extra="forbid")

    from_appid: Scope
    to_appid: Scope
    from_platform: Platform = ""
    to_platform: Platform = ""
    migrated_at: Instant


class MigrationView(BaseModel):
    """A move and what is left of it: `closing` three days before WeChat stops to answer, `missed` afterwards."""

    migration_id: UUID
    from_appid: str
    to_appid: str
    from_platform: str
    to_platform: str
    migrated_at: AwareDatetime
    closes_at: AwareDatetime
    known: int = Field(description="openids of the old appid that were ever seen")
    translated: int
    outstanding: int
    failed: int = Field(description="lines in which WeChat gave no new openid")
    alarm: Literal["none", "open", "closing", "missed"]


class TranslatedLine(BaseModel):
    """One line of `result_list` as WeChat sends it."""

    ori_openid: Text
    new_openid: Text = ""
    err_msg: Text = "ok"
    ori_unionid: Text = ""
    new_unionid: Text = ""


class TranslationBody(BaseModel):
    """WeChat's answer to `changeopenid`, as it stands."""

    errcode: int = 0
    errmsg: Text = "ok"
    result_list: list[TranslatedLine] = Field(min_length=1, max_length=500)


class FailedLine(BaseModel):
    """A line without a translation."""

    pointer: str
    reason: str


class Translation(BaseModel):
    """What was taken in; openids that were translated before change nothing."""

    translated: int
    failed: list[FailedLine]
    migration: MigrationView


class OutstandingOpenid(BaseModel):
    """An openid to ask WeChat about."""

    openid: str


@router.post("", status_code=201)
async def add_migration(caller: Writer, tx: Transaction, runtime: RuntimeOf, body: MigrationBody) -> MigrationView:
    """Say that a WeChat account moved: from then on it is watched until all its openids are translated."""
    if body.from_appid == body.to_appid:
        raise Invalid.at("/to_appid", "an account moves to another appid")
    if bool(body.from_platform) != bool(body.to_platform):
        raise Invalid.at("/to_platform", "name both open platforms, or neither")
    row = MigrationRow(
        workspace_id=caller.workspace_id,
        migration_id=new_id(),
        closes_at=body.migrated_at + WINDOW,
        **body.model_dump(),
    )
    await account_migrations.keep(tx, row)
    return await _view(tx, runtime, row)


@router.get("")
async def list_migrations(
    caller: Reader, tx: Transaction, runtime: RuntimeOf, limit: Limit = 50, cursor: Cursor = None
) -> Page[MigrationView]:
    """Moved accounts with what is left to translate, the youngest first."""
    position = decode_cursor(cursor, tuple[UUID])
    rows = await account_migrations.listed(
        tx, caller.workspace_id, before=position[0] if position else None, limit=limit
    )
    more = encode_cursor(rows[-1].migration_id) if len(rows) == limit else None
    return Page(items=[await _view(tx, runtime, row) for row in rows], next_cursor=more)


@router.get("/{migration_id}/outstanding")
async def list_outstanding(
    caller: Personal, tx: Transaction, runtime: RuntimeOf, migration_id: UUID, limit: Limit = 100, cursor: Cursor = None
) -> Page[OutstandingOpenid]:
    """The openids WeChat was not asked about yet, to be put into `changeopenid` a hundred at a time."""
    row = await _found(tx, caller, migration_id)
    position = decode_cursor(cursor, tuple[int])
    rows = await account_migrations.outstanding(tx, row, after=position[0] if position else 0, limit=limit)
    graph = parts_of(runtime).graph
    return Page(
        items=[OutstandingOpenid(openid=name_of(one, graph).value) for one in rows],
        next_cursor=encode_cursor(rows[-1].node_no) if len(rows) == limit else None,
    )


@router.post("/{migration_id}/results")
async def take_translation(
    caller: Writer, runtime: RuntimeOf, migration_id: UUID, body: TranslationBody
) -> Translation:
    """Take WeChat's answer in: each new openid supersedes its old one, and both lead to the person for ever."""
    if body.errcode:
        raise Invalid.at("/errcode", f"WeChat refused the question: {body.errcode} {body.errmsg}", "refused_by_wechat")
    lines = [Translated(**line.model_dump()) for line in body.result_list]

    async def work(tx: Tx) -> Translation:
        row = await _found(tx, caller, migration_id)
        graph = parts_of(runtime).graph
        new, failed = await translate_openids(tx, graph, row, lines, author=author_of(caller))
        return Translation(
            translated=new,
            failed=[FailedLine(pointer=f"/result_list/{position}", reason=why) for position, why in failed],
            migration=await _view(tx, runtime, await _found(tx, caller, migration_id)),
        )

    return await change_graph(runtime, caller.workspace_id, work)


async def _found(tx: Tx, caller: Caller, migration_id: UUID) -> MigrationRow:
    row = await account_migrations.find(tx, caller.workspace_id, migration_id)
    if row is None:
        raise NotFound("there is no such migration")
    return row


async def _view(tx: Tx, runtime: Runtime[object], row: MigrationRow) -> MigrationView:
    known, translated = await account_migrations.progress(tx, row)
    outstanding = known - translated
    _untranslated.set(outstanding, {"workspace": str(row.workspace_id), "from_appid": row.from_appid})
    return MigrationView(
        migration_id=row.migration_id,
        from_appid=row.from_appid,
        to_appid=row.to_appid,
        from_platform=row.from_platform,
        to_platform=row.to_platform,
        migrated_at=row.migrated_at,
        closes_at=row.closes_at,
        known=known,
        translated=translated,
        outstanding=outstanding,
        failed=row.failed,
        alarm=alarm(outstanding, row.closes_at, runtime.now(row.workspace_id)),
    )
