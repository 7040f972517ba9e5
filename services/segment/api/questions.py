from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.exact import ExactRoute
from services.segment.domain.definition import Definition
from services.segment.store import persons
from services.segment.usecases.ask_everybody import ask_everybody
from services.segment.usecases.ask_membership import ask_membership
from services.segment.usecases.bound_cost import bound_cost, bound_length
from services.segment.usecases.check_definition import check_definition, check_references, read_definition
from services.segment.usecases.explain_person import explain_person
from services.segment.usecases.guard_personal import OR_RIGHT, RIGHT, guard_personal
from services.segment.usecases.load_segment import load_segment
from services.segment.usecases.prove_patterns import prove_patterns
from services.segment.usecases.warn_of_currencies import warn_of_currencies

router = APIRouter(prefix="/v1/segment", tags=["questions"], route_class=ExactRoute)

Reader = Annotated[Caller, Depends(requires("segments:read"))]
PersonNo = Annotated[int, Field(ge=1, lt=2**31)]
MOST_PERSONS = 500
SAMPLE = 10


class Question(BaseModel):
    """A segment, or a condition in the language of segments, and the persons asked about."""

    model_config = ConfigDict(extra="forbid")

    segment_id: UUID | None = None
    condition: dict[str, Any] | None = None
    person_nos: Annotated[list[PersonNo], Field(max_length=MOST_PERSONS)]

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.segment_id is None) == (self.condition is None):
            raise ValueError("give either `segment_id` or `condition`")
        return self


class Membership(BaseModel):
    """Which of the persons asked about are in."""

    person_nos: list[int]


class PreviewOf(BaseModel):
    """A definition to be tried."""

    model_config = ConfigDict(extra="forbid")

    definition: dict[str, Any]


class Sampled(BaseModel):
    """A person found."""

    person_no: int
    person_id: UUID | None


class Counted(BaseModel):
    """How many a condition finds by itself, and how many the whole would gain if the condition were not there."""

    pointer: str
    count: int
    removes: int


class Warned(BaseModel):
    """Something doubtful, and where it stands."""

    pointer: str
    detail: str


class Preview(BaseModel):
    """The exact count of a definition, now."""

    count: int
    universe: int
    sample: list[Sampled]
    conditions: list[Counted]
    warnings: list[Warned]


class ExplanationOf(BaseModel):
    """A segment (or a definition) and the person it is explained for."""

    model_config = ConfigDict(extra="forbid")

    segment_id: UUID | None = None
    definition: dict[str, Any] | None = None
    person_no: PersonNo

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.segment_id is None) == (self.definition is None):
            raise ValueError("give either `segment_id` or `definition`")
        return self


class ExplainedEvent(BaseModel):
    """An event that a condition looked at."""

    model_config = ConfigDict(from_attributes=True)

    event_id: UUID
    name: str
    event_time: datetime


class ExplainedCondition(BaseModel):
    """Whether a condition holds, and what decides it.

    `value` is how often, the trait's text, the segment he is (not) in, or his draw in percent. `events` are the latest
    five that it counts or looks at, newest first.
    """

    model_config = ConfigDict(from_attributes=True)

    pointer: str
    holds: bool
    value: str | None
    masked: bool = Field(False, description="it looks at a personal trait, whose value needs the right personal:read")
    events: list[ExplainedEvent]


class Explanation(BaseModel):
    """Why a person is a member, or is not; `manual` names the hand-made list that decides."""

    member: bool
    manual: str | None
    snapshot_of: UUID | None = Field(None, description="of a snapshot: the segment whose members it keeps")
    trouble: str = Field("", description="why the segment cannot be answered at present: its members stay as they are")
    paused: bool = Field(False, description="it is paused: its members stay as they are")
    conditions: list[ExplainedCondition]


async def _definition(runtime: RuntimeOf, caller: Caller, body: object, pointer: str) -> Definition:
    definition = read_definition(body, pointer=pointer)
    may_ask = caller.may(RIGHT) or caller.may(OR_RIGHT)
    await guard_personal(runtime, workspace_id=caller.workspace_id, definition=definition, may_ask=may_ask)
    await prove_patterns(runtime.parts.columnar, definition)
    return definition


@router.post("/questions/membership")
async def ask(body: Question, caller: Reader, runtime: RuntimeOf) -> Membership:
    """Return which of up to 500 persons are in a segment, or meet a condition, at this moment.

    A condition about the value of a personal trait needs the right to read it, or to write segments (403).
    Asked about nobody, a condition is checked as one that is published. Else an operator that does not fit the type its
    trait was declared to have since holds for nobody.
    """
    subject: Definition | UUID
    if body.segment_id is not None:
        async with runtime.database.transaction(caller.workspace_id) as tx:
            await load_segment(tx, workspace_id=caller.workspace_id, segment_id=body.segment_id)
        subject = body.segment_id
    else:
        subject = await _definition(runtime, caller, body.condition, "/condition")
        await bound_length(runtime, workspace_id=caller.workspace_id, definition=subject, pointer="/condition")
        async with runtime.database.transaction(caller.workspace_id) as tx:
            check = check_references if body.person_nos else check_definition
            await check(tx, workspace_id=caller.workspace_id, definition=subject)
    found = await ask_membership(runtime, workspace_id=caller.workspace_id, subject=subject, person_nos=body.person_nos)
    return Membership(person_nos=found)


@router.post("/preview")
async def preview(body: PreviewOf, caller: Reader, runtime: RuntimeOf) -> Preview:
    """Return how many a definition finds now, ten of them, and what each condition does.

    A condition about the value of a personal trait needs the right to read it, or to write segments (403).
    """
    workspace_id = caller.workspace_id
    definition = await _definition(runtime, caller, body.definition, "/definition")
    async with runtime.database.transaction(workspace_id) as tx:
        checked = await check_definition(tx, workspace_id=workspace_id, definition=definition)
    await bound_cost(runtime, workspace_id=workspace_id, definition=definition, pointer="/definition")
    asked = await ask_everybody(runtime, workspace_id=workspace_id, definition=definition)
    warnings = checked.warnings + await warn_of_currencies(runtime, workspace_id=workspace_id, definition=definition)
    step = max(1, len(asked.found) // SAMPLE)
    sample = [asked.found[position] for position in range(0, len(asked.found), step)][:SAMPLE]
    async with runtime.database.transaction(workspace_id) as tx:
        # who was erased, or merged, since everybody was asked
        there = await persons.still_there(tx, workspace_id, sample)
    return Preview(
        count=len(asked.found),
        universe=len(asked.among),
        sample=[Sampled(person_no=number, person_id=person_id) for number, person_id in there.items()],
        conditions=[
            Counted(pointer=pointer, count=len(found), removes=asked.removes.get(pointer, 0))
            for pointer, found in asked.by_condition.items()
        ],
        warnings=[Warned(pointer=warning.pointer, detail=warning.detail) for warning in warnings],
    )


@router.post("/explain")
async def explain(body: ExplanationOf, caller: Reader, runtime: RuntimeOf) -> Explanation:
    """Return which conditions hold for one person, with the values and the events that decide them.

    Values of personal traits are shown to who may read them alone; conditions about them are put by these and by
    who writes segments (403).
    """
    workspace_id = caller.workspace_id
    subject: Definition | UUID
    row = None
    if body.segment_id is not None:
        async with runtime.database.transaction(workspace_id) as tx:
            row = await load_segment(tx, workspace_id=workspace_id, segment_id=body.segment_id)
        subject = body.segment_id
    else:
        subject = await _definition(runtime, caller, body.definition, "/definition")
        await bound_length(runtime, workspace_id=workspace_id, definition=subject, pointer="/definition")
    explained = await explain_person(
        runtime,
        workspace_id=workspace_id,
        subject=subject,
        person_no=body.person_no,
        reveal=caller.may(RIGHT),
    )
    conditions = [ExplainedCondition.model_validate(condition) for condition in explained.conditions]
    return Explanation(
        member=explained.member,
        manual=explained.manual,
        snapshot_of=row.snapshot_of if row else None,
        trouble=row.trouble if row else "",
        paused=row is not None and row.state == "paused",
        conditions=conditions,
    )
