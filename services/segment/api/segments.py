from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from libs.common.db import Tx
from libs.common.errors import Conflict, Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import ExactRoute, exact
from libs.common.http.idempotency import IdempotencyKey, answer_once
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.runtime import Runtime
from services.segment.clients.dependents import name_dependents
from services.segment.store import segments
from services.segment.store.rows import decode
from services.segment.store.segments import SegmentRow
from services.segment.store.worlds import definition_text
from services.segment.usecases.bound_cost import bound_cost
from services.segment.usecases.check_definition import bound_definition, check_definition, read_definition
from services.segment.usecases.create_segment import create_segment
from services.segment.usecases.delete_segment import delete_segment
from services.segment.usecases.edit_segment import Edit, edit_segment
from services.segment.usecases.freeze_segment import freeze_segment
from services.segment.usecases.load_segment import load_segment
from services.segment.usecases.prove_patterns import prove_patterns

router = APIRouter(prefix="/v1/segment", tags=["segments"], route_class=ExactRoute)

Reader = Annotated[Caller, Depends(requires("segments:read"))]
Writer = Annotated[Caller, Depends(requires("segments:write"))]
State = Literal["draft", "live"]
NewState = Literal["draft", "live", "paused"]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Definition = Annotated[dict[str, Any], Field(description="a tree of all / any / none groups over conditions")]


class NewSegment(BaseModel):
    """A segment to be made."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")] | None = None
    name: Name
    definition: Definition
    state: State = "draft"


class SegmentEdit(BaseModel):
    """What of a segment changes."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    definition: Definition | None = None
    state: NewState | None = Field(
        None, description="`paused`: the members of a live one stay as they are and nobody is told; then `live` again"
    )


class Warned(BaseModel):
    """Something doubtful, and where it stands."""

    pointer: str
    detail: str


class Snapshot(BaseModel):
    """The name of a snapshot."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")] | None = None
    name: Name


class Segment(BaseModel):
    """A segment; `live_version` answers, `version` is the newest."""

    segment_id: UUID
    key: str | None
    name: str
    state: NewState | Literal["frozen"]
    snapshot_of: UUID | None = Field(None, description="of a frozen one: the segment whose members it keeps")
    version: int
    live_version: int | None
    size: int
    trouble: str = Field("", description="why it cannot be answered at present; its members stay as they are")
    definition: Annotated[Any, WithJsonSchema({"type": "object", "additionalProperties": True})]
    warnings: list[Warned] = []
    created_at: datetime
    updated_at: datetime


def _shown(row: SegmentRow, warnings: list[Warned] | None = None) -> Segment:
    return Segment(**vars(row) | {"definition": msgspec.Raw(row.definition.encode())}, warnings=warnings or [])


async def _checked(tx: Tx, workspace_id: int, body: object, *, state: str, segment_id: UUID | None) -> list[Warned]:
    """Return what is doubtful; a draft may be unfinished, what is live may not, and neither beyond all bounds."""
    bound_definition(body)
    try:
        checked = await check_definition(
            tx, workspace_id=workspace_id, definition=read_definition(body), segment_id=segment_id
        )
    except Invalid as refused:
        if state != "draft":
            raise
        return [Warned(pointer=error.pointer, detail=error.detail) for error in refused.errors]
    return [Warned(pointer=warning.pointer, detail=warning.detail) for warning in checked.warnings]


def _says_otherwise(body: SegmentEdit, before: SegmentRow) -> bool:
    """Tell whether more than the name changes."""
    if body.definition is not None:
        bound_definition(body.definition)
        if definition_text(body.definition) != before.definition:
            return True
    return body.state not in (None, before.state)


async def _proved(runtime: Runtime[Any], workspace_id: int, body: object, *, state: str) -> None:
    if state in ("live", "paused"):
        definition = read_definition(body)
        await prove_patterns(runtime.parts.columnar, definition)
        await bound_cost(runtime, workspace_id=workspace_id, definition=definition, pointer="/definition")


@router.post("/segments", status_code=201, response_model=Segment)
async def post_segment(
    body: NewSegment, caller: Writer, runtime: RuntimeOf, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make a segment, as a draft or live; a live one is computed for everybody in the background."""
    workspace_id = caller.workspace_id
    await _proved(runtime, caller.workspace_id, body.definition, state=body.state)
    async with runtime.database.transaction(workspace_id) as tx:

        async def make() -> Response:
            await segments.hold_references(tx, workspace_id)
            warnings = await _checked(tx, workspace_id, body.definition, state=body.state, segment_id=None)
            row = await create_segment(
                tx,
                workspace_id=workspace_id,
                key=body.key,
                name=body.name,
                state=body.state,
                definition=body.definition,
                now=runtime.now(workspace_id),
            )
            return exact(_shown(row, warnings), 201)

        answer = await answer_once(
            tx, workspace_id=workspace_id, route="segments", key=idempotency_key, body=body, make=make
        )
    runtime.wake("answer_rounds")
    return answer


@router.get("/segments", response_model=Page[Segment])
async def list_segments(
    caller: Reader,
    tx: Transaction,
    search: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
    state: Literal["draft", "live", "paused", "frozen"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Return the segments, by id: of a state, with a text in their name or key."""
    position = decode_cursor(cursor, tuple[UUID])
    after = position[0] if position else UUID(int=0)
    rows = await segments.page(tx, caller.workspace_id, after=after, limit=limit, search=search, state=state or "")
    following = encode_cursor(str(rows[-1].segment_id)) if len(rows) == limit else None
    return exact(Page(items=[_shown(row) for row in rows], next_cursor=following))


@router.get("/segments/{segment_id}", response_model=Segment)
async def get_segment(segment_id: UUID, caller: Reader, tx: Transaction) -> Response:
    """Return a segment with its newest definition."""
    return exact(_shown(await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)))


@router.patch("/segments/{segment_id}", response_model=Segment)
async def patch_segment(segment_id: UUID, body: SegmentEdit, caller: Writer, runtime: RuntimeOf) -> Response:
    """Change a segment: another definition is a new version, computed aside and swapped in at once when ready."""
    workspace_id = caller.workspace_id
    async with runtime.database.transaction(workspace_id) as tx:
        before = await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id)
    definition = decode(before.definition) if body.definition is None else body.definition
    # what was sound when it was published is renamed without being proved again
    state = (body.state or before.state) if _says_otherwise(body, before) else "draft"
    if state == "paused" and definition_text(definition) == before.definition:
        state = "draft"
    await _proved(runtime, caller.workspace_id, definition, state=state)
    async with runtime.database.transaction(workspace_id) as tx:
        await segments.hold_references(tx, workspace_id)
        row = await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id, lock=True)
        is_rename = body.definition is None and body.state is None
        if not is_rename and (row.version, row.state) != (before.version, before.state):
            raise Conflict("the segment was changed while this change was checked: read it, and send yours again")
        warnings = await _checked(tx, workspace_id, definition, state=state, segment_id=segment_id)
        edit = Edit(name=body.name, state=body.state, definition=body.definition)
        row = await edit_segment(tx, workspace_id=workspace_id, row=row, edit=edit, now=runtime.now(workspace_id))
    runtime.wake("answer_rounds")
    return exact(_shown(row, warnings))


@router.delete("/segments/{segment_id}", status_code=204, response_class=Response)
async def remove_segment(segment_id: UUID, caller: Writer, runtime: RuntimeOf) -> None:
    """Delete a segment; the members of a live one exit (cause `edit`).

    Refused (409) while a segment, a journey that is not stopped or a rule of a tag refers to it, and (503) while
    journey or profile cannot say so.
    """
    workspace_id = caller.workspace_id
    async with runtime.database.transaction(workspace_id) as tx:
        await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id)
    named = await name_dependents(runtime.peers, workspace_id, segment_id)
    async with runtime.database.transaction(workspace_id) as tx:
        await delete_segment(
            tx, workspace_id=workspace_id, segment_id=segment_id, named=named, now=runtime.now(workspace_id)
        )
    runtime.wake("answer_rounds")


@router.post("/segments/{segment_id}/snapshot", status_code=201, response_model=Segment)
async def post_snapshot(
    segment_id: UUID,
    body: Snapshot,
    caller: Writer,
    tx: Transaction,
    runtime: RuntimeOf,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep the members as they are now in a frozen segment of its own; only merges and erasures change it."""
    workspace_id, route = caller.workspace_id, f"segment snapshot {segment_id}"

    async def make() -> Response:
        row = await load_segment(tx, workspace_id=workspace_id, segment_id=segment_id, lock=True)
        now = runtime.now(workspace_id)
        kept = await freeze_segment(tx, workspace_id=workspace_id, row=row, key=body.key, name=body.name, now=now)
        return exact(_shown(kept), 201)

    return await answer_once(tx, workspace_id=workspace_id, route=route, key=idempotency_key, body=body, make=make)
