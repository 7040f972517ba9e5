from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, field_validator

from libs.common.access.model import Workspace
from libs.common.errors import Forbidden, NotFound
from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.personal import Vault
from services.identity.usecases.create_workspace import create_workspace
from services.identity.usecases.update_workspace import update_workspace

router = APIRouter(prefix="/v1/identity/workspaces", tags=["workspaces"])

Administrator = Annotated[Caller, Depends(requires("workspaces:write", workspace=False))]


def known_zone(name: str) -> str:
    """Return a zone's name when the pinned time-zone database has it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; use an IANA name such as Asia/Shanghai") from error
    return name


class DrivenClock(BaseModel):
    """A clock that moves only when told (test and demo mode)."""

    now: AwareDatetime


class NewWorkspace(BaseModel):
    """A workspace to make."""

    key: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="short name, used in X-Workspace")
    name: str = Field(min_length=1, max_length=200)
    timezone: str = "UTC"
    settings: dict[str, object] = {}
    clock: DrivenClock | None = None

    _zone = field_validator("timezone")(known_zone)


class WorkspaceChange(BaseModel):
    """What may change about a workspace."""

    name: str | None = Field(None, min_length=1, max_length=200)
    timezone: str | None = None
    status: Literal["active", "disabled"] | None = None
    settings: dict[str, object] | None = None

    _zone = field_validator("timezone")(lambda zone: zone if zone is None else known_zone(zone))


class WorkspaceView(BaseModel):
    """A workspace as its administrator sees it."""

    workspace_id: int
    key: str
    name: str
    timezone: str
    status: str
    settings: dict[str, object]
    clock_now: datetime | None

    @classmethod
    def of(cls, workspace: Workspace) -> "WorkspaceView":
        """Return the view of a record; data keys stay inside."""
        return cls(
            workspace_id=workspace.workspace_id,
            key=workspace.key,
            name=workspace.name,
            timezone=workspace.timezone,
            status=workspace.status,
            settings=workspace.settings,
            clock_now=workspace.driven_now,
        )


@router.post("", status_code=201)
async def post_workspace(body: NewWorkspace, _caller: Administrator, runtime: RuntimeOf) -> WorkspaceView:
    """Make a workspace: a brand's own world with its own keys, people and clock."""
    if body.clock is not None and runtime.settings.mode == "production":
        raise Forbidden("a driven clock exists in test and demo mode only")
    vault = Vault(runtime.settings.master_key.get_secret_value())
    async with runtime.database.transaction(()) as tx:
        workspace = await create_workspace(
            tx, vault=vault, key=body.key, name=body.name, timezone=body.timezone,
            settings=body.settings, driven_now=body.clock.now if body.clock else None,
        )  # fmt: skip
    runtime.directory.put(workspace)
    runtime.wake("publish_access")
    return WorkspaceView.of(workspace)


@router.get("")
async def get_workspaces(
    _caller: Administrator, runtime: RuntimeOf, limit: Limit = 100, cursor: Cursor = None
) -> Page[WorkspaceView]:
    """List all workspaces, by number."""
    position = decode_cursor(cursor, tuple[int])
    after = position[0] if position else 0
    following = [each for each in runtime.directory.workspaces() if each.workspace_id > after]
    items = [WorkspaceView.of(workspace) for workspace in following[:limit]]
    more = encode_cursor(items[-1].workspace_id) if len(following) > limit else None
    return Page(items=items, next_cursor=more)


@router.patch("/{workspace_id}")
async def patch_workspace(
    workspace_id: int, body: WorkspaceChange, _caller: Administrator, runtime: RuntimeOf
) -> WorkspaceView:
    """Change a workspace; `disabled` freezes its journeys and refuses its write keys."""
    if runtime.directory.workspace(workspace_id) is None:
        raise NotFound("there is no such workspace")
    async with runtime.database.transaction(workspace_id) as tx:
        changed = await update_workspace(
            tx, workspace_id=workspace_id, changes=body.model_dump(exclude_unset=True, exclude_none=True)
        )
    runtime.directory.put(changed)
    runtime.wake("publish_access")
    return WorkspaceView.of(changed)
