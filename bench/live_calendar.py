"""A month begins for everybody at once: how long until reads are exact, and until all changes are told.

    python -m bench.live_calendar [--persons 10000]

The real segment service with PostgreSQL (durable defaults), NATS and chDB. Everybody has a day in this month or the
next; two segments are of those whose day lies in this month, and of those who are not. Then the driven clock passes
midnight of the first.
"""

import argparse
import asyncio
import os
import time
from datetime import UTC, datetime, timedelta

import asyncpg

from bench.live_load import load_events, load_members, load_persons
from bench.live_segments import SETTINGS, open_store, peak_memory, publish
from bench.segment_alone import WORKSPACE, Alone, segment_alone
from libs.common.access import service_tokens

MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)
THIS_MONTH = {"trait": "renews", "op": "in_period", "period": "month", "offset": 0}
DAYS = [f"2026-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
_TOLD = """
select coalesce(sum(array_length(string_to_array(convert_from(payload, 'UTF8'), E'\\n'), 1)), 0)::bigint as changes,
    max(pg_xact_commit_timestamp(xmin)) as at
from segment.outbox_log where subject like 'segment.membership.%'
"""


async def put_clock(alone: Alone, now: datetime) -> None:
    """Let it be this instant in segment, as identity says it."""
    token = service_tokens.issue(alone.stack.plan.addresses.secrets.service_secret, "identity")
    headers = {"authorization": f"Bearer {token}", "x-workspace": str(WORKSPACE)}
    await alone.call(
        "PUT", "segment", "/v1/segment/clock", json={"now": now.isoformat(), "held": False}, headers=headers
    )


async def main(persons: int) -> None:
    """Load, pass midnight, print."""
    async with segment_alone(SETTINGS) as alone:
        definitions = await publish(alone, [THIS_MONTH, {"none": [THIS_MONTH]}], [])
        before = MIDNIGHT - timedelta(seconds=30)
        await put_clock(alone, before)
        await alone.stack.stop_program("segment")
        store, address = await open_store(alone), alone.stack.admin_database_url
        await load_persons(address, persons)
        await load_events(store, persons=persons, events=persons, now=before, more={"renews": DAYS})
        segments = await load_members(store, address, definitions, persons=persons, now=before)
        await store.close()
        await alone.stack.start_program("segment")
        admin = await asyncpg.connect(address)
        used, began, clock = alone.processor(), time.perf_counter(), datetime.now(UTC)
        passing = asyncio.create_task(put_clock(alone, MIDNIGHT + timedelta(seconds=1)))
        first = sorted(next(iter(segments.values())).members)[:500]
        asked = {"person_nos": first, "condition": THIS_MONTH}
        found = first
        while found:
            found = (await alone.call("POST", "segment", "/v1/segment/questions/membership", json=asked))["person_nos"]
        exact = time.perf_counter() - began
        expected = 2 * persons
        while (told := await admin.fetchrow(_TOLD)) is None or told["changes"] < expected:
            if time.perf_counter() - began > 1800:
                break
            await asyncio.sleep(0.5)
        await passing
        spent = {name: alone.processor()[name] - used[name] for name in ("segment", "postgres")}
        print(f"{persons:,} persons: a read was exact {exact:.2f} s after midnight")
        if told is not None and told["at"] is not None:
            print(f"{told['changes']:,} changes committed {(told['at'] - clock).total_seconds():.1f} s after midnight")
        print(f"processor: segment {spent['segment']:.1f} s, PostgreSQL {spent['postgres']:.1f} s")
        print(f"peak memory of the service {peak_memory(alone):.2f} GiB; load average {os.getloadavg()[0]:.1f}")
        await admin.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=10_000)
    asyncio.run(main(parser.parse_args().persons))
