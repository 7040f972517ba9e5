"""Replays the year through the public collector under a driven clock, with a progress bar."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from demo.api import Api
from demo.setting_up import Workspace
from demo.stream import Encoded, batches, between
from demo.touchpoints import YEAR_END, YEAR_START

REQUESTS_AT_ONCE = 6


@dataclass
class Replay:
    """What was posted, what the collector answered, and the sizes seen on the way."""

    posted: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    instants: int = 0
    seconds_posting: float = 0.0
    seconds_clock: float = 0.0
    sizes: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return how long it took in all."""
        return self.seconds_posting + self.seconds_clock


async def replay(api: Api, workspace: Workspace, calls: list[Encoded], step: timedelta) -> Replay:
    """Go through the year in steps: move the clock to a step's end, then post what happened in it."""
    result = Replay()
    month = 0
    # the last orders of the year are from the small hours of the next one
    over = max([YEAR_END, *(call.at + timedelta(seconds=1) for call in calls)])
    with _bar() as bar:
        task = bar.add_task("replaying 2017", total=len(calls), rate=0.0, day="")
        start = YEAR_START
        began = time.perf_counter()
        while start < over:
            end = min(start + step, over)
            due = between(calls, start, end)
            before = time.perf_counter()
            result.instants += await _move_clock(api, end, step)
            result.seconds_clock += time.perf_counter() - before
            before = time.perf_counter()
            await post_all(api, workspace, result, due)
            result.seconds_posting += time.perf_counter() - before
            bar.update(task, advance=len(due), day=f"{end:%d %b}", rate=result.posted / (time.perf_counter() - began))
            if end.month != month:
                month = end.month
                result.sizes.append((end, await segment_sizes(api)))
            start = end
        before = time.perf_counter()
        await api.get("identity", "/v1/identity/drained", wait=True)
        result.seconds_clock += time.perf_counter() - before
    result.sizes.append((over, await segment_sizes(api)))
    return result


async def post_all(api: Api, workspace: Workspace, result: Replay, calls: list[Encoded]) -> None:
    """Post calls in batches, several requests at once, and count the answers."""
    posting = asyncio.Semaphore(REQUESTS_AT_ONCE)
    await asyncio.gather(*(_post(api, workspace, posting, result, *batch) for batch in batches(calls)))


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} events/s"), TextColumn("{task.fields[day]}"), TimeRemainingColumn(),
    )  # fmt: skip


async def _move_clock(api: Api, now: datetime, step: timedelta) -> int:
    clock = await api.get("identity", "/v1/identity/clock")
    if datetime.fromisoformat(clock["now"]) >= now:
        return 0
    answer = await api.post(
        "identity", "/v1/identity/clock", {"now": now.isoformat(), "step_seconds": step.total_seconds()}
    )
    return int(answer["instants"])


async def _post(
    api: Api, workspace: Workspace, posting: asyncio.Semaphore, result: Replay, source: str, count: int, body: bytes
) -> None:
    async with posting:
        answer: dict[str, Any] = await api.call(
            "POST", "identity", "/v1/batch", content=body,
            headers={"content-type": "application/json"}, auth=(workspace.write_keys[source], ""),
        )  # fmt: skip
    result.posted += count
    for name, number in answer.items():
        if isinstance(number, int) and not isinstance(number, bool):
            result.answered[name] = result.answered.get(name, 0) + number


async def segment_sizes(api: Api) -> dict[str, int]:
    """Return the present size of every segment, by its key."""
    return {item["key"]: item["size"] async for item in api.items("segment", "/v1/segment/segments")}
