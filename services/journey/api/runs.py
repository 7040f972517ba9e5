"""Runs: enrolling a person, lists, the trace of one, counts per node."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.idempotency import IdempotencyKey, answered_before, remember_answer
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.journey.api.models import RunView
from services.journey.clients.persons import find_person
from services.journey.domain.writable import JsonObject
from services.journey.store import run_views
from services.journey.store.journeys import get_journey
from services.journey.usecases.count_nodes import NodeReport, StateReport, count_journey
from services.journey.usecases.enroll_person import enroll_person

router = APIRouter(prefix="/v1/journey", tags=["runs"])

Reader = Annotated[Caller, Depends(requires("journeys:read"))]
Writer = Annotated[Caller, Depends(requires("journeys:write"))]


class Enrollee(BaseModel):
    """Whom to bring in, with properties that stand for an entry event's."""

    person_id: UUID
    properties: JsonObject = {}


class EnrolmentView(BaseModel):
    """Whether a run was started; if not, the rule that kept the person out."""

    run_id: UUID | None
    reason: Literal["", "filter", "re_entry"]


class Moment(BaseModel):
    """One line of a trace: a step of the run, or what became of its message."""

    at: datetime
    node: str
    visit: int
    what: Literal["passed", "arrived", "left", "message"]
    branch: str = ""
    reason: str = ""
    version: int | None = None
    channel: str = ""
    details: Any = None


class Trace(BaseModel):
    """Why, and why not: everything that happened to a run, in order."""

    run: RunView
    moments: list[Moment]


class Funnel(BaseModel):
    """A journey in numbers; they are the step log's own."""

    nodes: list[NodeReport]
    states: list[StateReport]


@router.post("/journeys/{journey_id}/runs", status_code=201)
async def enroll(
    journey_id: UUID,
    body: Enrollee,
    caller: Writer,
    runtime: RuntimeOf,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> EnrolmentView:
    """Bring a person in by a call; 200 with the reason when a rule keeps him out."""
    workspace_id = caller.workspace_id
    person_no, person_id = await find_person(runtime.peers, workspace_id, body.person_id)
    route, key = f"journey runs {journey_id}", idempotency_key
    async with runtime.worker_database.transaction(workspace_id) as tx:
        answer = await answered_before(
            tx, workspace_id=workspace_id, route=route, key=key, body=body.model_dump(mode="json")
        )
        if answer is None:
            enrolment = await enroll_person(
                tx, workspace_id=workspace_id, journey_id=journey_id, person_no=person_no,
                person_id=person_id, properties=body.properties, graphs=runtime.parts.graphs,
                sealer=runtime.sealer(workspace_id), personal_names=runtime.personal_names(workspace_id),
                now=runtime.now(workspace_id),
            )  # fmt: skip
            answer = {"run_id": enrolment.run_id, "reason": enrolment.reason}
            await remember_answer(tx, workspace_id=workspace_id, route=route, key=key, answer=answer)
            tx.after_commit(lambda: runtime.wake("advance_due_runs"))
    view = EnrolmentView.model_validate(answer)
    response.status_code = 201 if view.run_id else 200
    return view


@router.get("/journeys/{journey_id}/runs")
async def list_runs(
    journey_id: UUID,
    caller: Reader,
    tx: Transaction,
    state: Annotated[Literal["active", "waiting", "completed", "exited"] | None, Query()] = None,
    person_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[RunView]:
    """List the runs of a journey, youngest first."""
    position = decode_cursor(cursor, tuple[UUID])
    if await get_journey(tx, workspace_id=caller.workspace_id, journey_id=journey_id) is None:
        raise NotFound("there is no such journey")
    rows = await run_views.list_runs(
        tx, workspace_id=caller.workspace_id, journey_id=journey_id, state=state, person_id=person_id, limit=limit + 1,
        before=position[0] if position else None,
    )  # fmt: skip
    items = [_view(row) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > limit else None)


@router.get("/runs/{run_id}")
async def trace(run_id: UUID, _caller: Reader, tx: Transaction) -> Trace:
    """Return everything that happened to a run and what decided it."""
    run = await run_views.get_run(tx, run_id=run_id)
    if run is None:
        raise NotFound("there is no such run")
    steps = await run_views.list_steps(tx, run_id=run_id)
    outcomes = await run_views.list_outcomes(tx, run_id=run_id)
    moments = [_step(row) for row in steps] + [_outcome(row) for row in outcomes]
    return Trace(run=_view(run), moments=sorted(moments, key=lambda moment: moment.at))


@router.get("/journeys/{journey_id}/funnel")
async def funnel(journey_id: UUID, caller: Reader, tx: Transaction) -> Funnel:
    """Count each node: entered, waiting, left by branch; and the runs by state, reason and arm."""
    if await get_journey(tx, workspace_id=caller.workspace_id, journey_id=journey_id) is None:
        raise NotFound("there is no such journey")
    nodes, states = await count_journey(tx, workspace_id=caller.workspace_id, journey_id=journey_id)
    return Funnel(nodes=nodes, states=states)


def _view(row: run_views.RunRow) -> RunView:
    fields = row._asdict()
    return RunView.model_validate({"id": fields.pop("run_id"), **fields})


def _step(row: run_views.StepRow) -> Moment:
    what: Literal["passed", "arrived", "left"] = (
        "passed" if row.arrived and row.departed else "arrived" if row.arrived else "left"
    )
    return Moment(
        at=row.at, node=row.node, visit=row.visit, what=what, branch=row.branch, reason=row.reason,
        version=row.version, details=row.details,
    )  # fmt: skip


def _outcome(row: run_views.OutcomeView) -> Moment:
    return Moment(
        at=row.at, node=row.node, visit=row.visit, what="message", branch=row.state, reason=row.reason,
        channel=row.channel,
    )  # fmt: skip
