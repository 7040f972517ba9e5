from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, Transaction, requires
from services.segment.domain.overlap import overlap_of
from services.segment.store import memberships, segments

router = APIRouter(prefix="/v1/segment", tags=["overlaps"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]
MOST_SEGMENTS = 50


class OverlapOf(BaseModel):
    """The segments to compare, in the order of their priority."""

    model_config = ConfigDict(extra="forbid")

    segment_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_SEGMENTS)]


class Compared(BaseModel):
    """A segment's size, and how many of it are in none before it: whom it reaches when the first one takes all."""

    segment_id: UUID
    name: str
    size: int
    first: int


class Overlap(BaseModel):
    """`counts[i][j]` persons are in segment i and in segment j; `persons` are in any; `in_how_many[n]` in n+1."""

    segments: list[Compared]
    counts: list[list[int]]
    persons: int
    in_how_many: list[int]


@router.post("/overlaps")
async def compare_segments(body: OverlapOf, caller: Reader, tx: Transaction) -> Overlap:
    """Return how segments (up to 50) overlap, and what each adds to those before it."""
    wanted = list(dict.fromkeys(body.segment_ids))
    named = {row.segment_id: row.name for row in await segments.named(tx, caller.workspace_id, wanted)}
    for segment_id in wanted:
        if segment_id not in named:
            raise NotFound(f"there is no segment {segment_id}")
    members = await memberships.of_segments(tx, caller.workspace_id, wanted)
    found = overlap_of([members[segment_id] for segment_id in wanted])
    return Overlap(
        segments=[
            Compared(segment_id=segment_id, name=named[segment_id], size=len(members[segment_id]), first=first)
            for segment_id, first in zip(wanted, found.first, strict=True)
        ],
        counts=found.counts,
        persons=found.persons,
        in_how_many=found.in_how_many,
    )
