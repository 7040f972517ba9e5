"""Journeys: drafts, versions, status."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.journey.api.models import JourneyView, Problem, VersionView
from services.journey.clients.references import check_references
from services.journey.domain.editing import Deleted
from services.journey.domain.writable import JsonObject
from services.journey.store import journeys as store
from services.journey.store.graphs import Graphs
from services.journey.usecases.change_status import Change, change_status
from services.journey.usecases.create_journey import create_journey
from services.journey.usecases.publish_journey import Policy, publish_journey
from services.journey.usecases.read_definition import errors_of, sound_graph
from services.journey.usecases.save_draft import save_draft

router = APIRouter(prefix="/v1/journey", tags=["journeys"])

Reader = Annotated[Caller, Depends(requires("journeys:read"))]
Writer = Annotated[Caller, Depends(requires("journeys:write"))]


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class NewJourney(BaseModel):
    """A journey to make; the definition may still be incomplete."""

    name: Name
    definition: JsonObject = {}


class Draft(BaseModel):
    """A draft's new text."""

    name: Name | None = None
    definition: JsonObject


class Publication(BaseModel):
    """How to publish: what becomes of the people inside, and of those in nodes that are gone."""

    policy: Policy | None = Field(default=None, description="asked for as soon as people are inside")
    deleted: dict[str, Deleted] = Field(default={}, max_length=500)


def _view(journey: store.JourneyRow, graphs: Graphs) -> JourneyView:
    problems = [Problem(pointer=e.pointer, detail=e.detail, code=e.code) for e in errors_of(journey.draft, graphs)]
    return JourneyView(
        id=journey.journey_id, name=journey.name, status=journey.status, version=journey.version,
        definition=journey.draft, problems=problems, created_at=journey.created_at, changed_at=journey.changed_at,
    )  # fmt: skip


async def _found(tx: Transaction, caller: Caller, journey_id: UUID) -> store.JourneyRow:
    journey = await store.get_journey(tx, workspace_id=caller.workspace_id, journey_id=journey_id)
    if journey is None:
        raise NotFound("there is no such journey")
    return journey


@router.post("/journeys", status_code=201)
async def create(body: NewJourney, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """Make a journey as a draft."""
    journey = await create_journey(
        tx, workspace_id=caller.workspace_id, name=body.name, definition=body.definition,
        now=runtime.now(caller.workspace_id),
    )  # fmt: skip
    return _view(journey, runtime.parts.graphs)


@router.get("/journeys")
async def list_all(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    segment: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[JourneyView]:
    """List journeys, youngest first; with `segment` those that name it and are not stopped."""
    position = decode_cursor(cursor, tuple[UUID])
    before, workspace_id = position[0] if position else None, caller.workspace_id
    if segment is None:
        rows = await store.list_journeys(tx, workspace_id=workspace_id, limit=limit + 1, before=before)
    else:
        rows = await store.list_naming(
            tx, workspace_id=workspace_id, segment_id=segment, limit=limit + 1, before=before
        )
    items = [_view(row, runtime.parts.graphs) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > limit else None)


@router.get("/journeys/{journey_id}")
async def get(journey_id: UUID, caller: Reader, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """Return a journey with its draft and what is wrong with it."""
    return _view(await _found(tx, caller, journey_id), runtime.parts.graphs)


@router.get("/journeys/{journey_id}/versions")
async def versions(journey_id: UUID, caller: Reader, tx: Transaction) -> list[VersionView]:
    """Return the published versions, oldest first."""
    await _found(tx, caller, journey_id)
    rows = await store.list_versions(tx, workspace_id=caller.workspace_id, journey_id=journey_id)
    return [
        VersionView(
            version=row.version, definition=row.definition, policy="follow" if row.inside == "follow" else "pin",
            published_at=row.published_at, published_by=row.published_by,
        )
        for row in rows
    ]  # fmt: skip


@router.put("/journeys/{journey_id}/draft")
async def put_draft(journey_id: UUID, body: Draft, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """Replace the draft; nobody inside notices before it is published."""
    journey = await save_draft(
        tx, workspace_id=caller.workspace_id, journey_id=journey_id, name=body.name, definition=body.definition,
        now=runtime.now(caller.workspace_id),
    )  # fmt: skip
    return _view(journey, runtime.parts.graphs)


@router.post("/journeys/{journey_id}/publish")
async def publish(journey_id: UUID, body: Publication, caller: Writer, runtime: RuntimeOf) -> JourneyView:
    """Publish the draft as a new version; every error comes with a pointer into the draft or into this body."""
    workspace_id, graphs = caller.workspace_id, runtime.parts.graphs
    async with runtime.database.transaction(workspace_id) as tx:
        draft = (await _found(tx, caller, journey_id)).draft
    await check_references(runtime.peers, workspace_id, sound_graph(draft, graphs))
    async with runtime.database.transaction(workspace_id) as tx:
        journey = await publish_journey(
            tx, workspace_id=workspace_id, journey_id=journey_id, policy=body.policy, deleted=body.deleted,
            published_by=caller.name, graphs=graphs, now=runtime.now(workspace_id),
        )  # fmt: skip
        tx.after_commit(lambda: runtime.wake("advance_due_runs"))
    return _view(journey, graphs)


async def _change(journey_id: UUID, caller: Caller, tx: Transaction, runtime: RuntimeOf, change: Change) -> JourneyView:
    journey = await change_status(
        tx, workspace_id=caller.workspace_id, journey_id=journey_id, change=change, now=runtime.now(caller.workspace_id)
    )
    tx.after_commit(lambda: runtime.wake("advance_due_runs"))
    return _view(journey, runtime.parts.graphs)


@router.post("/journeys/{journey_id}/pause")
async def pause(journey_id: UUID, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """Keep everybody where he is and take nobody in; exit rules and the goal still act."""
    return await _change(journey_id, caller, tx, runtime, "pause")


@router.post("/journeys/{journey_id}/resume")
async def resume(journey_id: UUID, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """Go on: the backlog is released bit by bit, messages that expired meanwhile are dropped, nothing is sent twice."""
    return await _change(journey_id, caller, tx, runtime, "resume")


@router.post("/journeys/{journey_id}/stop")
async def stop(journey_id: UUID, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> JourneyView:
    """End the journey and every run in it (reason operator)."""
    return await _change(journey_id, caller, tx, runtime, "stop")
