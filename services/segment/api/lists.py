from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.segment.store import manual_lists
from services.segment.usecases.change_lists import MOST_LISTED, change_lists
from services.segment.usecases.load_segment import load_segment
from services.segment.usecases.set_lists import set_lists

router = APIRouter(prefix="/v1/segment", tags=["segments"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]
Writer = Annotated[Caller, Depends(requires("segments:write"))]
PersonNo = Annotated[int, Field(ge=1, lt=2**31)]
Persons = Annotated[list[PersonNo], Field(max_length=MOST_LISTED)]


class Lists(BaseModel):
    """Hand-made lists, whole; who is on both is excluded."""

    model_config = ConfigDict(extra="forbid")

    include: Persons
    exclude: Persons


class ListsChange(BaseModel):
    """Persons who come onto a list (and off the other one), and who come off both; everybody else stays."""

    model_config = ConfigDict(extra="forbid")

    include: Persons = []
    exclude: Persons = []
    remove: Persons = []

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.include or self.exclude or self.remove):
            raise ValueError("name somebody in `include`, `exclude` or `remove`")
        return self


@router.get("/segments/{segment_id}/lists")
async def get_lists(segment_id: UUID, caller: Reader, tx: Transaction) -> Lists:
    """Return the hand-made lists, by number; who was merged since stands there as he was listed."""
    await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)
    included, excluded = await manual_lists.of_segment(tx, caller.workspace_id, segment_id)
    return Lists(include=included, exclude=excluded)


@router.put("/segments/{segment_id}/lists", status_code=204, response_class=Response)
async def put_lists(segment_id: UUID, body: Lists, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> None:
    """Replace the hand-made lists, both: included or excluded whatever the definition says."""
    row = await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id, lock=True)
    await set_lists(tx, workspace_id=caller.workspace_id, row=row, included=body.include, excluded=body.exclude)
    tx.after_commit(lambda: runtime.wake("answer_rounds"))


@router.patch("/segments/{segment_id}/lists", status_code=204, response_class=Response)
async def patch_lists(segment_id: UUID, body: ListsChange, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> None:
    """Put single persons onto the hand-made lists, or take them off."""
    row = await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id, lock=True)
    await change_lists(
        tx,
        workspace_id=caller.workspace_id,
        row=row,
        included=body.include,
        excluded=body.exclude,
        removed=body.remove,
    )
    tx.after_commit(lambda: runtime.wake("answer_rounds"))
