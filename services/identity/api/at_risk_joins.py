"""Joins that may be of another person, for review: he came to an identifier after a long silence."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.http.callers import Caller, RuntimeOf, Snapshot, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import Change, IdentifierView, author_of, parts_of, reads_clear, view_of_change
from services.identity.store import dormant_joins, persons
from services.identity.store.nodes import Key, key
from services.identity.usecases.accept_dormant_join import accept_dormant_join
from services.identity.usecases.graph.read_component import Component
from services.identity.usecases.read_dormant_joins import DormantJoin, read_dormant_joins
from services.identity.usecases.undo_dormant_join import undo_dormant_join

router = APIRouter(prefix="/v1/identity/at-risk-joins", tags=["joins at risk"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
State = Literal["open", "fine", "undone"]


class AtRiskJoin(BaseModel):
    """Who came (`newcomer`) to an identifier that others had `before`, after all of those had been silent for long."""

    join_id: UUID
    reason: Literal["dormant"]
    state: State
    at_risk: bool = Field(description="false: those who were silent were seen again, or the join holds no more")
    person_id: UUID | None
    identifier: IdentifierView
    newcomer: IdentifierView
    before: list[IdentifierView]
    silent_since: datetime | None
    joined_at: datetime | None
    silent_days: int | None = Field(description="whole days of silence before the join")
    found_at: datetime
    decided_at: datetime | None
    author: str | None


class Undoing(BaseModel):
    """Undo; `dry_run` tells what would change."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False


@router.get("")
async def list_at_risk_joins(
    caller: Reader,
    tx: Snapshot,
    runtime: RuntimeOf,
    state: State | None = "open",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AtRiskJoin]:
    """Joins at risk, the youngest first; of open ones those that still are: a page may hold fewer than `limit`."""
    before = decode_cursor(cursor, tuple[UUID])
    workspace_id, graph = caller.workspace_id, parts_of(runtime).graph
    rows = await dormant_joins.list_rows(
        tx, workspace_id=workspace_id, limit=limit + 1, state=state, before=before[0] if before else None
    )
    shown = rows[:limit]
    found, component = await read_dormant_joins(tx, graph, workspace_id, shown)
    owners = {component.nodes[key(workspace_id, row.node_no)].owner for row in shown}
    ids = {one: row.person_id for one, row in (await persons.read(tx, owners)).items()}
    clear = reads_clear(caller)
    return Page(
        items=[
            _view(one, component, ids, clear=clear)
            for one in found
            if one.arrival is not None or one.row.state != "open"
        ],
        next_cursor=encode_cursor(shown[-1].join_id) if len(rows) > limit else None,
    )


def _view(join: DormantJoin, component: Component, ids: dict[Key, UUID], *, clear: bool) -> AtRiskJoin:
    row, arrival = join.row, join.arrival
    workspace_id = next(iter(component.nodes)) >> 32
    one, newcomer = key(workspace_id, row.node_no), key(workspace_id, row.newcomer_no)

    def named(node: Key) -> IdentifierView:
        return IdentifierView.of(component.names[node], clear=clear)

    return AtRiskJoin(
        join_id=row.join_id,
        reason="dormant",
        state=row.state,
        at_risk=arrival is not None,
        person_id=ids.get(component.nodes[one].owner),
        identifier=named(one),
        newcomer=named(newcomer),
        before=[named(node) for node in arrival.before] if arrival else [],
        silent_since=arrival.silent_since if arrival else None,
        joined_at=arrival.joined_at if arrival else None,
        silent_days=(arrival.joined_at - arrival.silent_since).days if arrival else None,
        found_at=row.found_at,
        decided_at=row.decided_at,
        author=row.author,
    )


@router.post("/{join_id}/fine", status_code=204)
async def say_fine(join_id: UUID, caller: Writer, runtime: RuntimeOf) -> None:
    """Say that whoever came back is who he was; it is remembered."""
    graph, author = parts_of(runtime).graph, author_of(caller)
    await change_graph(
        runtime,
        caller.workspace_id,
        lambda tx: accept_dormant_join(tx, graph, caller.workspace_id, join_id, author=author),
    )


@router.post("/{join_id}/undo")
async def undo(join_id: UUID, body: Undoing, caller: Writer, runtime: RuntimeOf) -> Change:
    """Part the two for good; the identifier goes with who came last. `dry_run` tells what would change."""
    graph, author = parts_of(runtime).graph, author_of(caller)
    batch = await change_graph(
        runtime,
        caller.workspace_id,
        lambda tx: undo_dormant_join(tx, graph, caller.workspace_id, join_id, author=author),
        dry_run=body.dry_run,
    )
    return view_of_change(batch, dry_run=body.dry_run, clear=reads_clear(caller))
