"""What an event costs the segment service and its PostgreSQL: recorded events through subscribers and rounds.

    python -m bench.segment_ingest [--events 20000] [--known 20000] [--batch 500] [--statements]

The real service with PostgreSQL (durable defaults), NATS and chDB; what identity would tell is published by hand, as
fast as it goes: half of the events are of new persons, 5 % come with a new cookie, 20 windowed segments listen. First
`--known` events warm up. With --statements PostgreSQL counts the processor time of each statement (which costs some).
"""

import argparse
import asyncio
import re
import time
from collections import defaultdict

from bench.segment_alone import Alone, Crowd, segment_alone

NAMES = [f"Event {number}" for number in range(20)]
MARK = "@@"
STATISTICS = {"log_line_prefix": f"{MARK}%u|%p|", "log_statement_stats": "on"}
_ENTRY = re.compile(r"([^|]*)\|(\d+)\|(\w+):\s+(.*)", re.DOTALL)
_TIMES = re.compile(r"([\d.]+) s user, ([\d.]+) s system")


async def make_segments(alone: Alone) -> None:
    """Make 20 live segments, a window each."""
    for number, name in enumerate(NAMES):
        window = {"did": name, "count": {"op": "gte", "n": 1 + number % 3}, "window": {"last": "7 days"}}
        body = {"name": f"Segment {number}", "definition": window, "state": "live"}
        await alone.call("POST", "segment", "/v1/segment/segments", json=body)


async def pour(alone: Alone, crowd: Crowd, events: int, batch: int) -> float:
    """Publish so many events and wait until segment has done all; return the seconds it took."""
    began = time.perf_counter()
    for _ in range(0, events, batch):
        await alone.say(crowd.batch(batch))
    await drained(alone)
    return time.perf_counter() - began


async def drained(alone: Alone) -> None:
    """Wait until nothing is open in segment."""
    quiet = 0
    while quiet < 2:
        open_ = await alone.call("GET", "segment", "/v1/segment/backlog")
        quiet = 0 if open_["open"] else quiet + 1
        await asyncio.sleep(0.05)


def statement_times(log: str) -> dict[str, tuple[float, int]]:
    """Return processor seconds and calls of each statement of segment's roles in PostgreSQL's log."""
    found: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    pending: dict[str, tuple[float, int]] = {}
    for entry in log.split(MARK):
        parsed = _ENTRY.match(entry)
        if parsed is None or not parsed[1].startswith("segment"):
            continue
        process, level, body = parsed[2], parsed[3], parsed[4]
        if level == "LOG" and "STATISTICS" in body[:60]:
            pending[process] = (0.0, int(body.startswith(("EXECUTE", "QUERY"))))
        elif level == "DETAIL" and process in pending and (times := _TIMES.search(body)):
            pending[process] = (float(times[1]) + float(times[2]), pending[process][1])
        elif level == "STATEMENT" and process in pending:
            seconds, calls = pending.pop(process)
            text = re.sub(r"\s+", " ", re.sub(r"--[^\n]*\n", " ", body)).strip()[:110]
            found[text] = (found[text][0] + seconds, found[text][1] + calls)
    return found


async def main(chosen: argparse.Namespace) -> None:
    """Start, warm up, measure, print."""
    async with segment_alone(STATISTICS if chosen.statements else None) as alone:
        await make_segments(alone)
        crowd = Crowd(1, NAMES)
        await pour(alone, crowd, chosen.known, chosen.batch)
        before, read = alone.processor(), len(alone.stack.log("postgres"))
        seconds = await pour(alone, crowd, chosen.events, chosen.batch)
        for name in ("postgres", "segment", "nats"):
            used = alone.processor()[name] - before[name]
            print(f"  {name:<10} {1e6 * used / chosen.events:8.1f} µs of processor an event")
        print(f"{chosen.events / seconds:,.0f} events/s, {chosen.events:,} events of which half are of new persons")
        times = statement_times(alone.stack.log("postgres")[read:])
        for text, (used, calls) in sorted(times.items(), key=lambda item: -item[1][0])[:25]:
            print(f"  {1e6 * used / chosen.events:7.1f} µs an event, {calls:5} calls  {text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--known", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--statements", action="store_true")
    asyncio.run(main(parser.parse_args()))
