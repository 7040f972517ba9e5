from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.exact import ExactRoute, exact
from libs.common.http.idempotency import IdempotencyKey, answer_once
from services.segment.usecases.bound_grid import bound_grid
from services.segment.usecases.create_grid import Axis, Cell, Grid, Value, create_grid

router = APIRouter(prefix="/v1/segment", tags=["templates"], route_class=ExactRoute)

Writer = Annotated[Caller, Depends(requires("segments:write"))]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Definition = Annotated[dict[str, Any], Field(description="as of a segment")]


class AxisValue(BaseModel):
    """A value of an axis, and the condition it stands for."""

    model_config = ConfigDict(extra="forbid")

    key: Word
    name: Name
    definition: Definition


class GridAxis(BaseModel):
    """An axis, such as stage or interest."""

    model_config = ConfigDict(extra="forbid")

    name: Word
    values: Annotated[list[AxisValue], Field(min_length=1, max_length=200)]


class GridOf(BaseModel):
    """One segment for each combination of the axes' values; `{stage}` in name and key stands for the value's."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
    key: Annotated[str, Field(pattern=r"^[a-z0-9{][a-z0-9{}_-]{0,99}$")] | None = None
    axes: Annotated[list[GridAxis], Field(min_length=1, max_length=4)]
    base: Definition | None = Field(None, description="a condition that all of them share")
    state: Literal["draft", "live"] = "draft"


class CellView(BaseModel):
    """A segment made, and the values it stands for."""

    segment_id: UUID
    key: str | None
    name: str
    values: dict[str, str]


class GridView(BaseModel):
    """The segments made, in the order of the axes."""

    segments: list[CellView]


@router.post("/segments/grid", status_code=201, response_model=GridView)
async def post_grid(
    body: GridOf, caller: Writer, runtime: RuntimeOf, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make up to 500 segments at once, one for each combination (12 stages x 10 interests), all or none."""
    workspace_id = caller.workspace_id
    grid = Grid(
        name=body.name,
        key=body.key,
        axes=[Axis(axis.name, [Value(one.key, one.name, one.definition) for one in axis.values]) for axis in body.axes],
        base=body.base,
        state=body.state,
    )
    if body.state == "live":
        await bound_grid(runtime, workspace_id=workspace_id, grid=grid)
    async with runtime.database.transaction(workspace_id) as tx:

        async def make() -> Response:
            cells = await create_grid(tx, workspace_id=workspace_id, grid=grid, now=runtime.now(workspace_id))
            return exact(GridView(segments=[_shown(cell) for cell in cells]), 201)

        answer = await answer_once(
            tx, workspace_id=workspace_id, route="segments grid", key=idempotency_key, body=body, make=make
        )
    runtime.wake("answer_rounds")
    return answer


def _shown(cell: Cell) -> CellView:
    return CellView(segment_id=cell.row.segment_id, key=cell.row.key, name=cell.row.name, values=dict(cell.values))
