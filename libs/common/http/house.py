"""The routes every service has: health, backlog, watermark, clock, dead letters."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.common import backlog as backlogs
from libs.common.bus import dead_letters
from libs.common.db import statement
from libs.common.errors import Forbidden
from libs.common.http.callers import Caller, RuntimeOf, internal, public, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.http.replays import add_replays
from libs.common.readiness import readiness
from libs.common.runtime import Runtime


class ClockSetting(BaseModel):
    """The present of a driven workspace; `held` keeps every due-query empty until it is released."""

    model_config = ConfigDict(extra="forbid")

    now: datetime
    held: bool


class Backlog(BaseModel):
    """What is still open in this service, by part, and how much it has done since its start."""

    open: dict[str, int]
    activity: int
    next_due: datetime | None = Field(None, description="when this service has work next")
    next_due_by: str | None = None
    now: datetime = Field(description="the workspace's present here")
    held: bool = Field(False, description="the driven clock was put forward and not yet released")


class Watermark(BaseModel):
    """All that was received before this instant is applied here."""

    watermark: datetime


class DeadLetterView(BaseModel):
    """An event a subscriber could not apply."""

    dead_letter_id: UUID
    consumer: str
    subject: str
    event_id: UUID | None
    reason: str
    attempts: int
    status: str
    created_at: datetime


class DeadLetterChoice(BaseModel):
    """Which dead letters, and what to do with them."""

    model_config = ConfigDict(extra="forbid")

    ids: list[UUID] = Field(min_length=1, max_length=1000)
    action: Literal["replay", "discard"]


class Settled(BaseModel):
    """How many dead letters were settled, and why the others were not."""

    settled: int
    failed: dict[UUID, str]


_SET_CLOCK = """
update workspace set driven_now = greatest(driven_now, :now), held = :held
where workspace_id = :workspace_id
"""


def house_routes(service: str) -> APIRouter:
    """Return the router of the routes all services share, below /v1/<service>."""
    router = APIRouter()
    _add_health(router)
    _add_clock(router, f"/v1/{service}")
    _add_dead_letters(router, f"/v1/{service}")
    add_replays(router, f"/v1/{service}")
    return router


def _add_health(router: APIRouter) -> None:
    @router.get("/live", tags=["health"], dependencies=[Depends(public())])
    async def live() -> dict[str, str]:
        """Say that the process runs."""
        return {"status": "live"}

    @router.get("/ready", tags=["health"], dependencies=[Depends(public())])
    async def ready(runtime: RuntimeOf, response: Response) -> dict[str, Any]:
        """Prove database, bus and migrations; 503 with what is missing."""
        report = await readiness(runtime)
        response.status_code = 200 if report["status"] == "ready" else 503
        return report


async def _backlog(runtime: Runtime[Any], workspace_id: int) -> Backlog:
    parts, activity = await backlogs.open_work(runtime, workspace_id)
    instant, by = (None, None) if parts else await backlogs.next_due(runtime, workspace_id)
    return Backlog(
        open=parts,
        activity=activity,
        next_due=instant,
        next_due_by=by,
        now=runtime.now(workspace_id),
        held=runtime.is_held(workspace_id),
    )


def _add_clock(router: APIRouter, prefix: str) -> None:
    @router.put(f"{prefix}/clock", tags=["clock"], include_in_schema=False)
    async def set_clock(
        setting: ClockSetting, caller: Annotated[Caller, Depends(internal())], runtime: RuntimeOf
    ) -> Backlog:
        """Put the workspace's driven clock here (identity drives it, nobody else); answer what is open then."""
        if runtime.settings.mode == "production":
            raise Forbidden("a driven clock exists in test and demo mode only")
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            await tx.execute(
                statement(_SET_CLOCK), workspace_id=caller.workspace_id, now=setting.now, held=setting.held
            )
        await backlogs.adopt_clock(runtime, caller.workspace_id, setting.now, held=setting.held)
        if setting.held:
            return Backlog(open={}, activity=0, now=setting.now, held=True)
        runtime.wake_all()
        return await _backlog(runtime, caller.workspace_id)

    @router.get(f"{prefix}/backlog", tags=["clock"])
    async def open_work(caller: Annotated[Caller, Depends(requires("operations:read"))], runtime: RuntimeOf) -> Backlog:
        """Name what is still open in this service for the workspace."""
        return await _backlog(runtime, caller.workspace_id)

    @router.get(f"{prefix}/watermark", tags=["clock"])
    async def watermark(
        caller: Annotated[Caller, Depends(requires("operations:read"))], runtime: RuntimeOf
    ) -> Watermark:
        """Answer the instant before which everything received is applied here."""
        return Watermark(watermark=await backlogs.watermark(runtime, caller.workspace_id))


def _add_dead_letters(router: APIRouter, prefix: str) -> None:
    @router.get(f"{prefix}/dead-letters", tags=["operations"])
    async def list_dead_letters(
        caller: Annotated[Caller, Depends(requires("operations:read"))],
        runtime: RuntimeOf,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[DeadLetterView]:
        """List the events that could not be applied, oldest first."""
        position = decode_cursor(cursor, tuple[UUID])
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            letters = await dead_letters.list_dead_letters(tx, after=position[0] if position else None, limit=limit + 1)
        items = [DeadLetterView.model_validate(letter, from_attributes=True) for letter in letters[:limit]]
        more = encode_cursor(items[-1].dead_letter_id) if len(letters) > limit else None
        return Page(items=items, next_cursor=more)

    @router.post(f"{prefix}/dead-letters", tags=["operations"])
    async def settle_dead_letters(
        choice: DeadLetterChoice,
        caller: Annotated[Caller, Depends(requires("operations:write"))],
        runtime: RuntimeOf,
    ) -> Settled:
        """Apply dead letters again, or discard them; those that fail again stay, with their reason."""
        async with runtime.worker_database.transaction(caller.workspace_id) as tx:
            if choice.action == "discard":
                return Settled(settled=await dead_letters.discard(tx, choice.ids), failed={})
            results = await dead_letters.replay(tx, runtime, dead_letters.handlers(runtime), choice.ids)
        failed = {letter_id: result for letter_id, result in results.items() if result != "replayed"}
        return Settled(settled=len(results) - len(failed), failed=failed)
