from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from libs.common.errors import Conflict, Forbidden, Invalid
from libs.common.http.callers import Caller, RuntimeOf, requires
from services.identity.clients.driven_clock import ClockDriver

router = APIRouter(prefix="/v1/identity", tags=["clock"])

Driver = Annotated[Caller, Depends(requires("clock:write"))]
Reader = Annotated[Caller, Depends(requires("operations:read"))]


class Advance(BaseModel):
    """Where the clock goes: to an instant, or on by so many seconds."""

    now: AwareDatetime | None = None
    advance_seconds: float | None = Field(None, gt=0, le=100 * 366 * 86_400)
    step_seconds: float = Field(0, ge=0, description="coalesces instants within a step; 0 = exact")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.now is None) == (self.advance_seconds is None):
            raise ValueError("give either `now` or `advance_seconds`")
        return self


class Clock(BaseModel):
    """The workspace's present."""

    now: datetime
    driven: bool


class Advanced(Clock):
    """The present reached, and how many due instants were done on the way."""

    instants: int


class Drained(BaseModel):
    """Whether everything given to the system has been done, and what is open, by service."""

    drained: bool
    open: dict[str, dict[str, int]]
    next_due: datetime | None


def driver_of(request: Request) -> ClockDriver:
    """Return this process's clock driver."""
    state = request.app.state
    if not hasattr(state, "clock_driver"):
        state.clock_driver = ClockDriver(state.runtime)
    driver: ClockDriver = state.clock_driver
    return driver


@router.get("/clock")
async def get_clock(caller: Reader, runtime: RuntimeOf) -> Clock:
    """Return the workspace's present."""
    return Clock(now=runtime.now(caller.workspace_id), driven=runtime.is_driven(caller.workspace_id))


@router.post("/clock")
async def post_clock(body: Advance, caller: Driver, runtime: RuntimeOf, request: Request) -> Advanced:
    """Advance a driven clock and answer when everything due by then has been done everywhere."""
    if runtime.settings.mode == "production":
        raise Forbidden("a driven clock exists in test and demo mode only")
    if not runtime.is_driven(caller.workspace_id):
        raise Conflict("this workspace's clock is not driven; make the workspace with `clock`")
    now = runtime.now(caller.workspace_id)
    until = body.now if body.now is not None else now + timedelta(seconds=body.advance_seconds or 0)
    if until < now:
        raise Invalid.at("/now", f"the clock goes only forward; it is {now.isoformat()}")
    instants = await driver_of(request).advance(caller.workspace_id, until, timedelta(seconds=body.step_seconds))
    return Advanced(now=runtime.now(caller.workspace_id), driven=True, instants=instants)


@router.get("/drained")
async def get_drained(caller: Reader, request: Request, wait: bool = False) -> Drained:
    """Say whether everything is done, and what is not; `wait=true` answers once it is."""
    driver = driver_of(request)
    mending = wait and driver.may_mend(caller.workspace_id)
    scan = await (driver.mend(caller.workspace_id) if mending else driver.scan(caller.workspace_id))
    if wait:
        scan = await driver.drain(caller.workspace_id, scan)
    return Drained(drained=not scan.open, open=scan.open, next_due=scan.next_due)
