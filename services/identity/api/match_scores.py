"""Scoring pairs of persons by a model that was trained offline."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import Conflict, Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.identity.api.graph_models import parts_of
from services.identity.domain.matching.model import MatchModel
from services.identity.store import match_looks, match_models
from services.identity.usecases.put_match_model import put_match_model
from services.identity.usecases.score_records import score_records

router = APIRouter(prefix="/v1/identity", tags=["suggestions"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Value = Annotated[str, Field(max_length=500)]


class ModelBody(BaseModel):
    """A trained model, as `./rapport suggest train` writes it."""

    model_config = ConfigDict(extra="forbid")

    prior: float
    fields: dict[Name, str] = Field(min_length=1, max_length=50)
    comparisons: list[dict[str, Any]] = Field(min_length=1, max_length=50)
    blocking: list[list[Name]] = Field(min_length=1, max_length=50)
    frequencies: dict[Name, dict[str, float]] = {}
    threshold: float = Field(4.0, ge=-100, le=1000, description="match weight from which a pair is suggested")


class ModelSet(BaseModel):
    """The version now in force."""

    version: int


class ModelView(BaseModel):
    """How far persons are compared by the model in force: everybody first, then whoever changes."""

    version: int
    stage: Literal["everybody", "whoever changes"]
    due_at: datetime = Field(description="when persons are compared next")
    looked_at: datetime | None = Field(description="when last nobody was left to compare")
    persons: int = Field(description="persons that were looked at since the model was put")
    compared: int = Field(description="pairs of them and of those who agree with them in something")
    suggested: int


class PersonRecord(BaseModel):
    """What is known about a person, by the names of the model's fields."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    fields: dict[Name, Value | None] = Field(max_length=50)


class RecordsBody(BaseModel):
    """Persons to compare with each other; pairs of a match weight (log2 of the odds) from `threshold` on are queued."""

    model_config = ConfigDict(extra="forbid")

    items: list[PersonRecord] = Field(min_length=2, max_length=500)
    threshold: float = Field(4.0, ge=-100, le=1000)


class ScoredView(BaseModel):
    """How many pairs were compared, how many reached the threshold, how many of those are new; ids of nobody."""

    compared: int
    above: int
    suggested: int
    unknown: list[UUID]


@router.put("/match-model")
async def write_model(body: ModelBody, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> ModelSet:
    """Put a model in force; everybody is compared by it in the background, and then whoever changes."""
    try:
        model = msgspec.convert(body.model_dump(), MatchModel)
    except msgspec.ValidationError as error:
        raise Invalid.at("", str(error)) from error
    if (wrong := model.unfit()) is not None:
        raise Invalid.at("/comparisons", wrong)
    version = await put_match_model(tx, parts_of(runtime).graph, caller.workspace_id, model)
    tx.after_commit(lambda: runtime.wake("score_changed"))
    return ModelSet(version=version)


@router.get("/match-model")
async def read_model(caller: Reader, tx: Transaction) -> ModelView:
    """How far persons are compared by the model in force."""
    look = await match_looks.find(tx, caller.workspace_id)
    if look is None:
        raise NotFound("there is no model; put one first")
    return ModelView(
        version=look.version,
        stage="everybody" if look.after_person is not None else "whoever changes",
        due_at=look.due_at,
        looked_at=look.looked_at,
        persons=look.persons,
        compared=look.compared,
        suggested=look.suggested,
    )


@router.post("/suggestions/score")
async def score_persons(body: RecordsBody, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> ScoredView:
    """Compare persons with each other and suggest those who are likely one; nobody is merged by it."""
    found = await match_models.present(tx, caller.workspace_id, runtime.sealer(caller.workspace_id))
    if found is None:
        raise Conflict("there is no model to score with; put one first", code="no_model")
    scored = await score_records(
        tx,
        parts_of(runtime).graph,
        caller.workspace_id,
        {item.person_id: item.fields for item in body.items},
        model=found[1],
        threshold=body.threshold,
        now=runtime.now(caller.workspace_id),
    )
    return ScoredView(**msgspec.structs.asdict(scored))
