"""300 live segments under a stream of events: how long until a change of membership is committed.

    python -m bench.live_segments [--persons 10000] [--events 100000] [--rate 1000] [--seconds 30]

How it grows, at one rate and with the same 300 segments, each by itself on a machine that does nothing else:

    python -m bench.live_segments --persons 10000 --events 100000 --seconds 60
    python -m bench.live_segments --persons 100000 --events 1000000 --seconds 60
    python -m bench.live_segments --persons 1000000 --events 10000000 --seconds 60

The real segment service with PostgreSQL (durable defaults), NATS and chDB on this machine, load generator included.
Persons, events and memberships are loaded in bulk; then events (and traits, `--traits` of them) come at a fixed rate
as identity and profile say them, of persons drawn evenly. A change by a fact counts from the arrival of the fact, a
change by the clock from the instant the window closed, both until the commit (PostgreSQL's own commit times).
"""

import argparse
import asyncio
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from bench.live_load import PRODUCTS, load_events, load_members, load_persons, person_id, trait_values
from bench.live_mix import NAMES, built_of, the_mix
from bench.segment_alone import WORKSPACE, Alone, main_subject, segment_alone
from bench.start_system import family
from libs.common.contracts.event import Event
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.ids import new_id
from services.segment.domain.edges import Edge
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment
from services.segment.store.columnar import Columnar

SETTINGS = {"track_commit_timestamp": "on", "shared_buffers": "512MB"}
BEAT_SECONDS = 0.1
WARM_SECONDS = 15.0
DRAWN = 20_000
_TOLD = """
select pg_xact_commit_timestamp(xmin) as at, subject, payload from segment.outbox_log
where subject like 'segment.membership.%' order by log_id
"""
_OPEN = "select (select count(*) from segment.touch) + (select count(*) from segment.staged)"


@dataclass
class Feed:
    """Facts about persons drawn evenly."""

    persons: int
    traits: float
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    version: int = 1

    def facts(self, count: int) -> Iterator[Event]:
        """Yield so many facts of now."""
        now = datetime.now(UTC)
        for _ in range(count):
            person = self.rng.randrange(self.persons) + 1
            yield self._trait(person, now) if self.rng.random() < self.traits else self._event(person, now)

    def _event(self, person: int, now: datetime) -> Event:
        name, subject = self.rng.choice(NAMES), main_subject(person)
        properties = {"amount": self.rng.randrange(10_000) / 100, "product": f"p{self.rng.randrange(PRODUCTS)}"}
        return EventRecorded(
            workspace_id=WORKSPACE, person_no=person, person_id=person_id(person), subject_no=subject,
            identifier_nos=(subject,), kind="track", name=name, source_id=1, message_id=str(new_id()),
            properties=msgspec.Raw(msgspec.json.encode(properties)), received_at=now, occurred_at=now,
        )  # fmt: skip

    def _trait(self, person: int, now: datetime) -> Event:
        name, values = self.rng.choice(list(trait_values().items()))
        self.version += 1
        return TraitChanged(
            workspace_id=WORKSPACE, person_no=person, name=name, version=self.version, since=now,
            value=msgspec.Raw(msgspec.json.encode(self.rng.choice(values))), received_at=now, occurred_at=now,
        )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One change of membership, and when it was committed."""

    segment_id: UUID
    person_no: int
    cause: str
    received_at: datetime
    evaluated_at: datetime
    committed_at: datetime


async def prepare(alone: Alone, chosen: argparse.Namespace) -> dict[UUID, LiveSegment]:
    """Load everything into a service that sleeps meanwhile, and wake it."""
    plain, built = the_mix(chosen.one_in)
    definitions = await publish(alone, plain, built)
    await alone.stack.stop_program("segment")
    store = await open_store(alone)
    now, began = datetime.now(UTC), time.perf_counter()
    await load_persons(alone.stack.admin_database_url, chosen.persons)
    await load_events(store, persons=chosen.persons, events=chosen.events, now=now)
    loaded = time.perf_counter() - began
    segments = await load_members(
        store, alone.stack.admin_database_url, definitions, persons=chosen.persons, now=datetime.now(UTC)
    )
    await store.close()
    began, members = time.perf_counter() - began - loaded, sum(len(one.members) for one in segments.values())
    print(f"loaded in {loaded:.0f} s; {len(segments)} segments with {members:,} members in {began:.0f} s")
    concerned = [sum(one.concerned_by(f"event:{name}") for one in segments.values()) for name in NAMES]
    print(f"an event concerns {min(concerned)} segments and more before those built of others")
    await alone.stack.start_program("segment")
    return segments


async def publish(alone: Alone, plain: list[Any], built: list[list[int]]) -> dict[UUID, Any]:
    """Make the segments as drafts; return their definitions, those referred to first."""
    made: dict[UUID, Any] = {}

    async def make(body: Any) -> str:
        given = {"name": f"Segment {len(made)}", "definition": body}
        segment_id: str = (await alone.call("POST", "segment", "/v1/segment/segments", json=given))["segment_id"]
        made[UUID(segment_id)] = body
        return segment_id

    ids = [await make(body) for body in plain]
    for parts in built:
        await make(built_of([ids[part] for part in parts]))
    return made


async def open_store(alone: Alone) -> Columnar:
    """Open the columnar store of a service that is stopped."""
    key = alone.stack.plan.addresses.secrets.master_key
    return await Columnar.open(f"chdb://{alone.stack.home.root / 'columnar'}", master_key=key)


async def feed(alone: Alone, source: Feed, *, rate: int, seconds: float, backlog: list[int]) -> float:
    """Say facts at a rate and sample what is open, every second; return the rate that came about."""
    admin = await asyncpg.connect(alone.stack.admin_database_url)
    began, said = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        due = int((passed + BEAT_SECONDS) * rate) - said
        await alone.say(source.facts(due))
        said += due
        if passed > len(backlog):
            backlog.append(await admin.fetchval("select count(*) from segment.touch"))
        await asyncio.sleep(max(0.0, said / rate - (time.perf_counter() - began)))
    rate_was = said / (time.perf_counter() - began)
    await admin.close()
    return rate_was


async def told_of(alone: Alone, since: datetime, until: datetime) -> list[Told]:
    """Return the changes committed in a stretch of time."""
    admin = await asyncpg.connect(alone.stack.admin_database_url)
    found = []
    async with admin.transaction():
        async for row in admin.cursor(_TOLD, prefetch=50):
            if not since <= row["at"] <= until:
                continue
            for line in row["payload"].splitlines():
                one = msgspec.json.decode(line, type=MembershipEntered)
                found.append(
                    Told(one.segment_id, one.person_no, one.cause, one.received_at, one.occurred_at, row["at"])
                )
    await admin.close()
    return found


async def closings(alone: Alone, segments: dict[UUID, LiveSegment], told: Iterable[Told]) -> list[float]:
    """Return how many seconds after a window closed each change by the clock was committed."""
    chosen = list(told)
    store = await open_store(alone)
    persons = ", ".join(map(str, sorted({one.person_no for one in chosen}))) or "0"
    rows = await store.rows(f"select person_no, name, event_time from event where person_no in ({persons})", {})
    await store.close()
    known: dict[tuple[int, str], set[datetime]] = defaultdict(set)
    for row in rows:
        known[row["person_no"], row["name"]].add(row["event_time"])
    seconds = []
    for one in chosen:
        edges = edges_of(segments, one.segment_id)
        dues = (edge.due(at, Moment(one.evaluated_at)) for edge in edges for at in known[one.person_no, edge.name])
        due = max((due for due in dues if due <= one.evaluated_at), default=None)
        if due is not None:
            seconds.append((one.committed_at - due).total_seconds())
    return seconds


def edges_of(segments: dict[UUID, LiveSegment], segment_id: UUID) -> set[Edge]:
    """Return the windows a segment looks through, and those it is built of."""
    segment = segments[segment_id]
    edges = {edge for edge in segment.edges if isinstance(edge, Edge)}
    return edges.union(*(edges_of(segments, other) for other in segment.concerns.segments))


def shown(what: str, seconds: list[float]) -> str:
    """Return a line of percentiles."""
    if len(seconds) < 2:
        return f"{what:<34} {len(seconds)} changes"
    cut = statistics.quantiles(seconds, n=100)
    spread = ", ".join(f"p{n} {cut[n - 1]:.2f}" for n in (50, 95, 99))
    return f"{what:<34} {spread}, greatest {max(seconds):.2f} s of {len(seconds):,} changes"


def peak_memory(alone: Alone) -> float:
    """Return the greatest memory the service has had, in GiB."""
    pid = alone.stack.pid("segment")
    lines = [Path(f"/proc/{one}/status").read_text() for one in family(pid)] if pid else []
    peaks = [int(line.split()[1]) for text in lines for line in text.splitlines() if line.startswith("VmHWM")]
    return sum(peaks) / 2**20


async def main(chosen: argparse.Namespace) -> dict[str, list[float]]:
    """Load, feed, print; return the seconds by what they are of."""
    async with segment_alone(SETTINGS) as alone:
        segments = await prepare(alone, chosen)
        source, admin = Feed(chosen.persons, chosen.traits), await asyncpg.connect(alone.stack.admin_database_url)
        await feed(alone, source, rate=chosen.rate, seconds=chosen.warm, backlog=[])
        rounds = "select coalesce(sum(revision), 0)::bigint from segment.round"
        before, since, settled = alone.processor(), datetime.now(UTC), await admin.fetchval(rounds)
        backlog: list[int] = []
        rate = await feed(alone, source, rate=chosen.rate, seconds=chosen.seconds, backlog=backlog)
        took = (datetime.now(UTC) - since).total_seconds()
        settled, used = await admin.fetchval(rounds) - settled, alone.processor()
        print(f"{rate:,.0f} facts/s for {took:.0f} s, {settled / took:.2f} rounds/s, touches open {quarters(backlog)}")
        for name in ("postgres", "segment", "nats"):
            spent = used[name] - before[name]
            of_round = 1e3 * spent / max(1, settled)
            print(
                f"  {name:<9} {1e6 * spent / (rate * took):7.0f} µs of processor a fact, {of_round:5.0f} ms a round,"
                f" {spent / took:.2f} cores"
            )
        memory = peak_memory(alone)
        # what came late is waited for: a fact that is not answered must not be left out of the percentiles
        await settle(admin)
        told = await told_of(alone, since, datetime.now(UTC) + timedelta(seconds=1))
        await admin.close()
        await alone.stack.stop_program("segment")
        by_fact = [(one.committed_at - one.received_at).total_seconds() for one in told if one.cause != "time"]
        by_time = [one for one in told if one.cause == "time"]
        drawn = random.Random(1).sample(by_time, min(DRAWN, len(by_time)))
        by_clock = await closings(alone, segments, drawn)
    print(f"{len(told) / took:,.0f} changes/s, {len(by_time) / took:,.0f} of them by the clock")
    print(shown("committed after a fact", by_fact))
    print(shown("committed after a window closed", by_clock))
    print(f"peak memory of the service {memory:.2f} GiB; load average {os.getloadavg()[0]:.1f}; durable defaults")
    return {"fact": by_fact, "clock": by_clock}


def quarters(backlog: list[int]) -> str:
    """Return the mean of each quarter of the samples."""
    size = max(1, len(backlog) // 4)
    parts = [backlog[start : start + size] for start in range(0, len(backlog), size)][:4]
    return " / ".join(f"{statistics.mean(part):,.0f}" for part in parts)


async def settle(admin: Any) -> None:
    """Wait (at most five minutes) until no touch is open."""
    for _ in range(1500):
        if not await admin.fetchval(_OPEN):
            return
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm", type=float, default=WARM_SECONDS)
    parser.add_argument("--traits", type=float, default=0.05)
    parser.add_argument("--one-in", type=int, default=1, help="leave every n-th of the 300 segments")
    asyncio.run(main(parser.parse_args()))
