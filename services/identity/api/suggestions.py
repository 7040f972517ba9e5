"""Persons who may be one: the queue, and somebody's word."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from libs.common.http.callers import Caller, RuntimeOf, Snapshot, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import Change, IdentifierView, author_of, parts_of, reads_clear, view_of_change
from services.identity.store import nodes, persons, suggestions
from services.identity.store.nodes import key
from services.identity.usecases.decide_suggestion import decide_suggestion
from services.identity.usecases.graph.load_regions import name_of

router = APIRouter(prefix="/v1/identity/suggestions", tags=["suggestions"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
State = Literal["open", "accepted", "refused"]
Origin = Literal["refused_link", "score", "inferred"]


class Side(BaseModel):
    """One of the two: the identifier that stands for him, and who he is now."""

    person_id: UUID | None
    identifier: IdentifierView


class SuggestionView(BaseModel):
    """Two who may be one. `score` is the match weight (log2 of the odds), `waterfall` what it is the sum of.

    `also` are other origins that suggest the same two.
    """

    suggestion_id: UUID
    origin: Origin
    also: list[Origin]
    reason: str
    score: float | None
    waterfall: list[dict[str, Any]]
    state: State
    a: Side
    b: Side
    created_at: datetime
    decided_at: datetime | None
    author: str | None


class Acceptance(BaseModel):
    """Accept; `dry_run` tells what would change."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False


class Rejection(Acceptance):
    """Refuse; with `keep_apart` the two stay two whatever evidence comes later."""

    keep_apart: bool = False


@router.get("")
async def list_suggestions(
    caller: Reader,
    tx: Snapshot,
    runtime: RuntimeOf,
    state: State | None = "open",
    origin: Origin | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[SuggestionView]:
    """List pairs that may be one person, newest first; what was decided is never suggested again."""
    before = decode_cursor(cursor, tuple[UUID])
    workspace_id, graph = caller.workspace_id, parts_of(runtime).graph
    policies = await graph.present_policies(tx, workspace_id)
    rows = await suggestions.list_rows(
        tx, workspace_id=workspace_id, state=state, origin=origin, limit=limit + 1,
        before=before[0] if before else None, purposes=policies.purposes, now=graph.now(workspace_id),
    )  # fmt: skip
    shown = rows[:limit]
    wanted = {key(workspace_id, number) for row in shown for number in (row.low_no, row.high_no)}
    found = {node.node_no: name_of(node, graph) for node in await nodes.read(tx, sorted(wanted))}
    owners = {key(workspace_id, number) for row in shown for number in (row.low_person, row.high_person)}
    ids = {row.person_no: row.person_id for row in (await persons.read(tx, owners)).values()}
    clear = reads_clear(caller)

    def side(node_no: int, person_no: int) -> Side:
        return Side(person_id=ids.get(person_no), identifier=IdentifierView.of(found[node_no], clear=clear))

    items = [
        SuggestionView(
            a=side(row.low_no, row.low_person),
            b=side(row.high_no, row.high_person),
            **{name: getattr(row, name) for name in SuggestionView.model_fields if name not in {"a", "b"}},
        )
        for row in shown
    ]
    return Page(items=items, next_cursor=encode_cursor(items[-1].suggestion_id) if len(rows) > limit else None)


async def _decide(
    caller: Caller, runtime: RuntimeOf, suggestion_id: UUID, *, accept: bool, keep_apart: bool, dry_run: bool
) -> Change:
    graph, author = parts_of(runtime).graph, author_of(caller)
    batch = await change_graph(
        runtime,
        caller.workspace_id,
        lambda tx: decide_suggestion(
            tx, graph, caller.workspace_id, suggestion_id, accept=accept, keep_apart=keep_apart, author=author
        ),
        dry_run=dry_run,
    )
    if batch is None:
        return Change(dry_run=dry_run, graph_version=0, created=[], revived=[], merged=[], moved=[])
    return view_of_change(batch, dry_run=dry_run, clear=reads_clear(caller))


@router.post("/{suggestion_id}/accept")
async def accept(suggestion_id: UUID, body: Acceptance, caller: Writer, runtime: RuntimeOf) -> Change:
    """Say that the two are one person, as evidence of tier 0; `dry_run` tells what would change."""
    return await _decide(caller, runtime, suggestion_id, accept=True, keep_apart=False, dry_run=body.dry_run)


@router.post("/{suggestion_id}/refuse")
async def refuse(suggestion_id: UUID, body: Rejection, caller: Writer, runtime: RuntimeOf) -> Change:
    """Say that the two are two; they are not suggested again, whatever speaks for it."""
    return await _decide(caller, runtime, suggestion_id, accept=False, keep_apart=body.keep_apart, dry_run=body.dry_run)
