"""Events through the whole system: HTTP, OneID, profile, live segments, a journey's step.

    python -m bench.whole_way [--seconds 30] [--segments 20] [--persons 20000] [--rate 1000]

The real five processes with PostgreSQL (durable defaults) and NATS on this machine, load generator included. First as
fast as the collector takes batches of 100, then until everything is drained: the sustained rate is events by the whole
time. Half of the events are of persons known before, 5 % carry a new cookie with a known user id (link-changing). Then
at a fixed rate: how long after the answer to a marker event its sender is seen in a segment.
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.start_system import cpu_seconds, family
from launcher.stack import Stack
from libs.common.http.pools import keep_all

BATCH = 100
AT_ONCE = 4
NAMES = [f"Event {number}" for number in range(20)]


class Brand:
    """A workspace of the running system with one source."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {stack.admin_key}", "x-workspace": "bench"},
            timeout=600,
            limits=keep_all(),
            trust_env=False,
        )
        self.write_key = ""
        self.sent = 0

    async def call(self, method: str, service: str, path: str, **options: Any) -> Any:
        """Call; raise with the answer's text when it is refused."""
        answer = await self.http.request(method, self.stack.url(service) + path, **options)
        if answer.status_code >= 400:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    async def furnish(self, segments: int) -> str:
        """Make workspace, source, live segments and a journey; return the marker segment's id."""
        made = {"key": "bench", "name": "Bench"}
        await self.call("POST", "identity", "/v1/identity/workspaces", json=made, headers={"x-workspace": "0"})
        source = {"key": "server", "name": "Server", "kind": "server", "trusted": True, "best_tier": 1}
        self.write_key = (await self.call("POST", "identity", "/v1/identity/sources", json=source))["write_key"]
        for number in range(segments):
            condition = {
                "did": NAMES[number % 20],
                "count": {"op": "gte", "n": 1 + number % 3},
                "window": {"last": "7 days"},
            }
            body = {"name": f"Segment {number}", "definition": condition, "state": "live"}
            await self.call("POST", "segment", "/v1/segment/segments", json=body)
        marker = {"name": "Marker", "definition": {"did": "Marker"}, "state": "live"}
        segment_id: str = (await self.call("POST", "segment", "/v1/segment/segments", json=marker))["segment_id"]
        journey = {
            "name": "bench",
            "definition": {
                "entry": {"on": "event", "event": NAMES[0]},
                "nodes": [{"id": "wait", "type": "wait", "for": "PT1H"}, {"id": "end", "type": "exit"}],
            },
        }
        draft = await self.call("POST", "journey", "/v1/journey/journeys", json=journey)
        await self.call("POST", "journey", f"/v1/journey/journeys/{draft['id']}/publish", json={"policy": "pin"})
        return segment_id

    async def post(self, events: list[dict[str, Any]]) -> None:
        """Post one batch."""
        while True:
            answer = await self.http.post(
                self.stack.url("identity") + "/v1/batch", content=msgspec.json.encode({"batch": events}),
                headers={"content-type": "application/json"}, auth=(self.write_key, ""),
            )  # fmt: skip
            if answer.status_code == 200:
                self.sent += len(events)
                return
            await asyncio.sleep(0.05)

    async def drained(self) -> None:
        """Wait until everything is done everywhere."""
        await self.call("GET", "identity", "/v1/identity/drained", params={"wait": "true"})


def events(rng: random.Random, persons: int, number: int) -> list[dict[str, Any]]:
    """Return a batch: half of known persons, 5 % with a new cookie."""
    made = []
    for position in range(BATCH):
        known = rng.random() < 0.5
        user = f"u-{rng.randrange(persons)}" if known else f"n-{number}-{position}"
        event: dict[str, Any] = {
            "type": "track", "event": rng.choice(NAMES), "userId": user, "messageId": f"{number}-{position}",
            "properties": {"price": rng.randrange(10_000) / 100, "sku": f"s-{rng.randrange(500)}"},
        }  # fmt: skip
        if rng.random() < 0.05:
            event["anonymousId"] = f"c-{number}-{position}"
        made.append(event)
    return made


def _processor(stack: Stack) -> dict[str, float]:
    """Return the processor seconds each program and its children have used."""
    return {
        name: sum(map(cpu_seconds, family(pid)))
        for name in stack.supervisor.children
        if (pid := stack.pid(name)) is not None
    }


async def as_fast_as_it_goes(brand: Brand, persons: int, seconds: float) -> None:
    """Post for a while, drain, and print the rates."""
    rng = random.Random(1)
    stop = time.perf_counter() + seconds
    numbers = iter(range(1 << 30))
    spent = _processor(brand.stack)
    before, began = brand.sent, time.perf_counter()

    async def poster() -> None:
        await brand.post(events(rng, persons, next(numbers)))
        while time.perf_counter() < stop:
            await brand.post(events(rng, persons, next(numbers)))

    await asyncio.gather(*(poster() for _ in range(AT_ONCE)))
    posting = time.perf_counter() - began
    await brand.drained()
    whole = time.perf_counter() - began
    count = brand.sent - before
    for name, used in _processor(brand.stack).items():
        print(f"  {name:<12} {1e6 * (used - spent.get(name, 0.0)) / count:8,.0f} µs of processor an event")
    print(f"accepted durably  {count / posting:8,.0f} events/s over {posting:.0f} s with all consumers running")
    print(f"the whole way     {count / whole:8,.0f} events/s: {count:,} events, drained {whole - posting:.0f} s later")


async def seen_in_segment(brand: Brand, segment_id: str, persons: int, rate: int, seconds: float) -> None:
    """Post at a rate; print how long a marker's sender takes to be seen."""
    rng = random.Random(2)
    stop = time.perf_counter() + seconds
    latencies: list[float] = []

    async def background() -> None:
        number = 10_000_000
        while time.perf_counter() < stop:
            began = time.perf_counter()
            await brand.post(events(rng, persons, number))
            number += 1
            await asyncio.sleep(max(0.0, BATCH / rate - (time.perf_counter() - began)))

    async def markers() -> None:
        number = 0
        while time.perf_counter() < stop:
            marker = {"type": "track", "event": "Marker", "userId": f"marker-{number}", "messageId": f"m-{number}"}
            await brand.post([marker])
            began = time.perf_counter()
            while (await brand.call("GET", "segment", f"/v1/segment/segments/{segment_id}"))["size"] <= number:  # noqa: ASYNC110 - it is another process that changes
                await asyncio.sleep(0.01)
            latencies.append(time.perf_counter() - began)
            number += 1

    await asyncio.gather(background(), markers())
    latencies.sort()
    p95 = latencies[min(len(latencies) - 1, int(len(latencies) * 0.95))]
    median = statistics.median(latencies)
    print(f"seen in segment   p50 {median:.3f} s, p95 {p95:.3f} s of {len(latencies)} markers at {rate:,} events/s")


async def main(chosen: argparse.Namespace) -> None:
    """Start, measure, stop."""
    home = Path(tempfile.mkdtemp(prefix="rapport-way-"))
    try:
        async with Stack(home=home, mode="test") as stack:
            brand = Brand(stack)
            segment_id = await brand.furnish(chosen.segments)
            await as_fast_as_it_goes(brand, chosen.persons, chosen.seconds)
            await seen_in_segment(brand, segment_id, chosen.persons, chosen.rate, chosen.seconds)
            await brand.http.aclose()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"load average      {os.getloadavg()[0]:8.2f}; fsync, synchronous_commit, full_page_writes on")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--segments", type=int, default=20)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=1000)
    asyncio.run(main(parser.parse_args()))
