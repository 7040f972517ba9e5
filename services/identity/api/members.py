from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.access.model import ROLE_SCOPES, RoleName
from libs.common.clock import wall_now
from libs.common.errors import NotFound, TooMany, Unauthorized
from libs.common.http.callers import Caller, RuntimeOf, Transaction, public, requires
from libs.common.http.pages import Page
from services.identity.api.sources import publish
from services.identity.store import access
from services.identity.usecases.add_member import add_member
from services.identity.usecases.open_session import open_session
from services.identity.usecases.revoke_key import revoke_key

router = APIRouter(prefix="/v1/identity", tags=["members"])

Keeper = Annotated[Caller, Depends(requires("members:write"))]


class NewMember(BaseModel):
    """A console user to let in."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    role: RoleName
    password: str | None = Field(None, min_length=12, max_length=200)


class MemberView(BaseModel):
    """A console user and what his role allows."""

    member_id: UUID
    email: str
    role: RoleName
    scopes: list[str]


class Login(BaseModel):
    """Who wants in, and where."""

    workspace: str = Field(max_length=100, description="key or number of the workspace")
    email: str = Field(max_length=254)
    password: str = Field(max_length=200)


class Session(BaseModel):
    """A session's token, used as `Authorization: Bearer`."""

    token: str
    scopes: list[str]


@router.post("/members", status_code=201)
async def post_member(body: NewMember, caller: Keeper, runtime: RuntimeOf, tx: Transaction) -> MemberView:
    """Let a console user in, or change his role or password."""
    member_id = await add_member(
        tx, sealer=runtime.sealer(caller.workspace_id), workspace_id=caller.workspace_id,
        email=body.email, role=body.role, password=body.password,
    )  # fmt: skip
    return MemberView(
        member_id=member_id, email=body.email.lower(), role=body.role, scopes=list(ROLE_SCOPES[body.role])
    )


@router.get("/members")
async def get_members(caller: Keeper, runtime: RuntimeOf, tx: Transaction) -> Page[MemberView]:
    """List the console users."""
    sealer = runtime.sealer(caller.workspace_id)
    rows = await access.members_of(tx, caller.workspace_id)
    return Page(
        items=[
            MemberView.model_validate(
                {
                    "member_id": row.member_id,
                    "email": sealer.open_json(row.email_sealed),
                    "role": row.role,
                    "scopes": ROLE_SCOPES[row.role],  # type: ignore[index]  # the table's check keeps it a RoleName
                }
            )
            for row in rows
        ]
    )


@router.delete("/members/{member_id}", status_code=204)
async def delete_member(member_id: UUID, caller: Keeper, runtime: RuntimeOf, tx: Transaction) -> None:
    """End a membership and its sessions."""
    if not await access.remove_member(tx, caller.workspace_id, member_id):
        raise NotFound("there is no such member")
    for record in await access.keys_of(tx, caller.workspace_id):
        if record.member == str(member_id):
            ended = await revoke_key(tx, workspace_id=caller.workspace_id, key_id=record.key_id, now=wall_now())
            publish(tx, runtime, ended)


@router.post("/sessions", status_code=201, dependencies=[Depends(public())])
async def post_session(body: Login, runtime: RuntimeOf) -> Session:
    """Log in with e-mail and password; the token is good for twelve hours."""
    workspace = runtime.directory.workspace_named(body.workspace)
    if workspace is None:
        raise Unauthorized("workspace, e-mail or password is wrong")
    async with runtime.database.transaction(workspace.workspace_id) as tx:
        opened = await open_session(
            tx, sealer=runtime.sealer(workspace.workspace_id), workspace_id=workspace.workspace_id,
            email=body.email, password=body.password, now=wall_now(),
        )  # fmt: skip
        if opened.record is not None:
            publish(tx, runtime, opened.record)
    if opened.record is None and opened.locked_until is not None:
        raise TooMany("too many wrong passwords; try again in five minutes", retry_after_seconds=300)
    if opened.record is None:
        raise Unauthorized("workspace, e-mail or password is wrong")
    return Session(token=opened.token, scopes=list(opened.record.scopes))


@router.delete("/sessions/current", status_code=204)
async def delete_session(
    caller: Annotated[Caller, Depends(requires("persons:read"))], runtime: RuntimeOf, tx: Transaction
) -> None:
    """Log out."""
    if caller.kind == "session" and caller.key is not None:
        publish(
            tx, runtime,
            await revoke_key(tx, workspace_id=caller.workspace_id, key_id=caller.key.key_id, now=wall_now()),
        )  # fmt: skip
