"""Links that wait until somebody has looked at them, and his word."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.db import Tx
from libs.common.http.callers import Caller, RuntimeOf, Snapshot, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import (
    Change,
    GivenIdentifier,
    IdentifierView,
    author_of,
    identifier_of,
    parts_of,
    reads_clear,
    view_of_change,
)
from services.identity.domain.evidence import Identifier
from services.identity.store import holds, nodes, persons
from services.identity.store.holds import Reason
from services.identity.store.nodes import key
from services.identity.usecases.decide_quarantine import Decided, decide_quarantine
from services.identity.usecases.graph.load_regions import name_of

router = APIRouter(prefix="/v1/identity/quarantined-links", tags=["quarantined links"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
SourceId = Annotated[int, Field(ge=0, le=2**31 - 1, description="0: evidence posted without a source")]
State = Literal["open", "released", "thrown_away"]


class End(BaseModel):
    """An end of a link, and whose it is now."""

    identifier: IdentifierView
    person_id: UUID | None


class QuarantinedLink(BaseModel):
    """A link kept out: for the `rate` at which `cause` was joined by a source, the `source_rate` at which the source
    merged persons, or the `size` of the person it makes."""

    hold_id: UUID
    state: State
    reason: Reason
    a: End
    b: End
    cause: IdentifierView | None
    source_id: int | None
    held_at: datetime
    decided_at: datetime | None
    author: str | None


class QuarantineCause(BaseModel):
    """An identifier that one source joined to too many others within a minute; none: a source that merged too many."""

    identifier: IdentifierView | None
    source_id: int
    held_at: datetime
    links: int = Field(description="that wait for it")


class QuarantineDecision(BaseModel):
    """The links decided about: those named, all that wait at an identifier, or for the rate of a source by itself.

    `dry_run` tells what would change.
    """

    model_config = ConfigDict(extra="forbid")

    hold_ids: list[UUID] = Field([], max_length=500)
    identifier: GivenIdentifier | None = None
    source_id: SourceId | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        named = bool(self.hold_ids), self.identifier is not None, self.source_id is not None
        if sum(named) != 1:
            raise ValueError("name hold_ids, an identifier or a source_id: one of them")
        return self


class QuarantineDecided(BaseModel):
    """How many links were decided about; `more` of those meant wait: ask again. What changed for persons."""

    links: int
    more: bool
    change: Change


@router.get("")
async def list_quarantined_links(
    caller: Reader,
    tx: Snapshot,
    runtime: RuntimeOf,
    state: State | None = "open",
    reason: Reason | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[QuarantinedLink]:
    """Links that wait for somebody's decision, or that were decided about, newest first."""
    before = decode_cursor(cursor, tuple[UUID])
    workspace_id, graph, clear = caller.workspace_id, parts_of(runtime).graph, reads_clear(caller)
    rows = await holds.list_rows(
        tx, workspace_id=workspace_id, limit=limit + 1, state=state, reason=reason, before=before[0] if before else None
    )
    shown = rows[:limit]
    numbers = {number for row in shown for number in (row.low_no, row.high_no, row.cause_no) if number is not None}
    names = {row.node_no: name_of(row, graph) for row in await nodes.read(tx, {key(workspace_id, n) for n in numbers})}
    owners = {key(workspace_id, number) for row in shown for number in (row.low_person, row.high_person)}
    ids = {row.person_no: row.person_id for row in (await persons.read(tx, owners)).values()}

    def view(number: int) -> IdentifierView:
        return IdentifierView.of(names[number], clear=clear)

    items = [
        QuarantinedLink(
            hold_id=row.hold_id,
            state=STATES.get(row.state, "open"),
            reason=row.reason,
            a=End(identifier=view(row.low_no), person_id=ids.get(row.low_person)),
            b=End(identifier=view(row.high_no), person_id=ids.get(row.high_person)),
            cause=view(row.cause_no) if row.cause_no in names else None,
            source_id=row.source_id,
            held_at=row.held_at,
            decided_at=row.decided_at,
            author=row.author,
        )
        for row in shown
    ]
    return Page(items=items, next_cursor=encode_cursor(items[-1].hold_id) if len(rows) > limit else None)


STATES: dict[str, State] = {"free": "released", "released": "released", "thrown_away": "thrown_away"}


@router.get("/causes")
async def list_quarantine_causes(
    caller: Reader, tx: Snapshot, runtime: RuntimeOf, limit: Limit = 100, cursor: Cursor = None
) -> Page[QuarantineCause]:
    """What joined too many within a minute and waits for a decision, with how many links."""
    after = decode_cursor(cursor, tuple[Int32, Int32])
    workspace_id, graph, clear = caller.workspace_id, parts_of(runtime).graph, reads_clear(caller)
    rows = await holds.list_causes(tx, workspace_id=workspace_id, limit=limit + 1, after=after or (0, -(2**31)))
    shown = rows[:limit]
    found = await nodes.read(tx, {key(workspace_id, row.node_no) for row in shown if row.node_no is not None})
    names = {row.node_no: name_of(row, graph) for row in found}
    items = [
        QuarantineCause(
            identifier=IdentifierView.of(names[row.node_no], clear=clear) if row.node_no is not None else None,
            source_id=row.source_id,
            held_at=row.held_at,
            links=row.links,
        )
        for row in shown
    ]
    more = len(rows) > limit
    return Page(items=items, next_cursor=encode_cursor(shown[-1].node_no or 0, shown[-1].source_id) if more else None)


@router.post("/release")
async def release(caller: Writer, runtime: RuntimeOf, body: QuarantineDecision) -> QuarantineDecided:
    """Let links go: they count like any other from now on."""
    return await _decide(caller, runtime, body, thrown_away=False)


@router.post("/throw-away")
async def throw_away(caller: Writer, runtime: RuntimeOf, body: QuarantineDecision) -> QuarantineDecided:
    """Throw links away: what was said so far never brings them back, whatever is sent again."""
    return await _decide(caller, runtime, body, thrown_away=True)


async def _decide(
    caller: Caller, runtime: RuntimeOf, body: QuarantineDecision, *, thrown_away: bool
) -> QuarantineDecided:
    parts = parts_of(runtime)

    async def work(tx: Tx) -> Decided:
        identifier: Identifier | None = None
        if body.identifier is not None:
            policies = await parts.graph.present_policies(tx, caller.workspace_id)
            identifier = identifier_of(body.identifier, parts, policies, pointer="/identifier")
        return await decide_quarantine(
            tx, parts.graph, caller.workspace_id, hold_ids=body.hold_ids, identifier=identifier,
            source_id=body.source_id, thrown_away=thrown_away, author=author_of(caller),
        )  # fmt: skip

    found = await change_graph(runtime, caller.workspace_id, work, dry_run=body.dry_run)
    return QuarantineDecided(
        links=found.links,
        more=found.more,
        change=view_of_change(found.batch, dry_run=body.dry_run, clear=reads_clear(caller)),
    )
