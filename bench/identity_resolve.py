"""Resolve: known-identifier and link-changing events a second of one worker, and one person's wait beside them.

    python -m bench.identity_resolve [--persons 2000] [--runs 5] [--growth 1] [--resolves 300]

Measures `resolve_evidence` (the graph's part of the resolver) with its transaction, commits included, on a cluster of
its own: durable, batches of 1,000, in a process that collects garbage as a service does. Every figure is a median of
the runs with its spread, beside the processor time an event costs this process and PostgreSQL's backend. `--growth 100`
loads 100 times as many people before it measures.
Then: what one caller waits for one event while a worker resolves link-changing batches without a pause, in the same
process and at the resolver's own pace (domain/pace.py); the people asked about are among those that change.
Last the whole way (bench/resolve_way.py): the same kinds of events from the record to the outbox, reading and telling
included, and what `POST /v1/identity/resolve` takes over HTTP beside link-changing events.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from bench.identity_alone import PASSWORDS, analyze
from bench.rates import Row
from bench.resolve_way import whole_way
from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database, statement
from libs.common.db.migrate import migrate
from libs.common.garbage import collect_seldom
from libs.common.ids import new_id
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.pace import LEAST, next_size
from services.identity.domain.policy import NamespaceKind
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools

WORKSPACE = 1
START = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 1_000
RESOLVE_SECONDS = 0.05
"""What IDENTITY_RESOLVE_SECONDS is by itself."""
BETWEEN_SECONDS = 0.05
"""Between single resolves: asked without a pause they would be most of the load themselves."""
_PID = statement("select pg_backend_pid()")


def event(at: float, *identifiers: Identifier, kind: EvidenceKind = "login", tier: int = 1) -> Fact:
    """Return a fact of the workspace, `at` seconds after the start."""
    time_ = START + timedelta(seconds=at)
    return Fact(
        WORKSPACE,
        Evidence(
            event_id=new_id(), source_id=1, kind=kind, tier=tier, event_time=time_, first_received_at=time_,
            identifiers=identifiers,
        ),
    )  # fmt: skip


def user(number: int) -> Identifier:
    """Return a shop's user."""
    return Identifier("user_id", "main", f"user-{number}")


def cookie(number: int, device: int = 0) -> Identifier:
    """Return a browser of a user."""
    return Identifier("cookie", "", f"visitor-{number}-{device}")


@dataclass
class Worker:
    """One resolver with its own connection and what it remembers."""

    database: Database
    tools: GraphTools

    async def take(self, facts: Sequence[Fact], size: int = BATCH) -> list[float]:
        """Resolve facts in batches; return the seconds each took."""
        waits: list[float] = []
        for position in range(0, len(facts), size):
            begun = time.perf_counter()
            async with self.database.transaction(WORKSPACE) as tx:
                await resolve_evidence(tx, facts[position : position + size], self.tools)
            waits.append(time.perf_counter() - begun)
        return waits

    async def backend(self) -> int:
        """Return the process id of its PostgreSQL backend."""
        async with self.database.transaction(WORKSPACE) as tx:
            return int(await tx.fetch_value(_PID))


async def timed(row: Row, worker: Worker, facts: Sequence[Fact]) -> None:
    """Add one run to a row."""
    backend = await worker.backend()
    with row.timed(len(facts), backend):
        await worker.take(facts)


async def measure(worker: Worker, persons: int, runs: int, first: int) -> None:
    """Print the rates of each kind of event among people numbered from `first` on."""
    chance = random.Random(1)
    new, linking = Row("new persons (2 identifiers, 1 link)"), Row("link-changing: a new cookie joins")
    known, alone = Row("known identifiers"), Row("known, anonymous")
    merging, storm = Row("link-changing: a stranger is a known user"), Row("storm of logins on one device")
    for run in range(runs):
        at, base = 10_000.0 * run, first + persons * run
        who = range(base, base + persons)
        await timed(new, worker, [event(at, user(n), cookie(n)) for n in who])
        await timed(linking, worker, [event(at + 1, user(n), cookie(n, 1)) for n in who])
        often = [chance.randrange(base, base + persons) for _ in range(2 * persons)]
        await timed(known, worker, [event(at + 2 + n, user(p), cookie(p, n % 2)) for n, p in enumerate(often)])
        seen = [event(at + 3 + n, cookie(p), kind="observe", tier=3) for n, p in enumerate(often)]
        await timed(alone, worker, seen)
        await worker.take([event(at + 4, cookie(n, 2), kind="observe", tier=3) for n in who])
        await timed(merging, worker, [event(at + 5, user(n), cookie(n, 2)) for n in who])
        device = Identifier("device", "", f"11111111-2222-3333-4444-{run:012d}")
        await timed(storm, worker, [event(at + 6 + n, user(n), device) for n in who])
    for row in (new, linking, known, alone, merging, storm):
        row.show()


@dataclass
class Beside:
    """One caller's waits beside a worker that resolves link-changing batches without a pause."""

    waits: list[float]
    load: float
    """Events a second of the other worker meanwhile."""
    sizes: list[int]
    held: float
    """The longest time for which the event loop answered nobody, in seconds."""


async def beside(worker: Worker, other: Worker, persons: int, first: int, resolves: int) -> Beside:
    """Time single resolves of people whom the load names too, while the other worker goes at the resolver's pace."""
    stop, found = asyncio.Event(), Beside([], 0.0, [], 0.0)

    async def load() -> None:
        size, number, begun = LEAST, 0, time.perf_counter()
        while not stop.is_set():
            facts = [
                event(1e6, user(first + n % persons), cookie(first + n % persons, 7 + n // persons))
                for n in range(number, number + size)
            ]
            number += size
            found.sizes.append(size)
            [seconds] = await other.take(facts, size)
            size = next_size(size, size, seconds, budget_seconds=RESOLVE_SECONDS)
        found.load = number / (time.perf_counter() - begun)

    async def heart() -> None:
        while not stop.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            found.held = max(found.held, time.perf_counter() - before - 0.001)

    chance = random.Random(2)
    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        group.create_task(heart())
        for _ in range(resolves):
            who = first + chance.randrange(persons)
            found.waits += await worker.take([event(2e6, user(who), cookie(who))], size=1)
            await asyncio.sleep(BETWEEN_SECONDS)
        stop.set()
    found.waits.sort()
    return found


async def waits(worker: Worker, other: Worker, options: argparse.Namespace, first: int) -> None:
    """Print how long single events wait while the other worker resolves link-changing batches."""
    persons: int = options.persons
    middle, late, load, sizes, held = [], [], [], [], []
    for run in range(options.runs):
        base = first + run * persons
        await worker.take([event(0, user(n), cookie(n)) for n in range(base, base + persons)])
        found = await beside(worker, other, persons, base, options.resolves)
        middle.append(1000 * found.waits[len(found.waits) // 2])
        late.append(1000 * found.waits[int(len(found.waits) * 0.99)])
        load.append(found.load)
        sizes.append(statistics.median(found.sizes))
        held.append(1000 * found.held)
    print(
        f"one resolve beside link-changing batches: p50 {statistics.median(middle):.1f} ms,"
        f" p99 {statistics.median(late):.1f} ms ({min(late):.1f} to {max(late):.1f}; {options.runs} x"
        f" {options.resolves} resolves); load {statistics.median(load):,.0f}/s in batches of"
        f" {statistics.median(sizes):.0f}; event loop held {statistics.median(held):.0f} ms at the longest"
    )


async def main() -> None:
    """Run on a fresh cluster, durable as in production."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=2_000, help="people (and link-changing events) a run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--growth", type=int, default=1, help="times so many people are loaded before")
    parser.add_argument("--resolves", type=int, default=300, help="single resolves a run beside the load")
    options = parser.parse_args()
    collect_seldom()
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as home,
        EmbeddedPostgres(Path(home) / "postgres") as cluster,
    ):
        await migrate("identity", cluster.url("postgres"), passwords=PASSWORDS)
        url = cluster.url("postgres", user="identity_worker", password=PASSWORDS["worker"])
        databases = [await Database.open(url, service="identity", pool_size=1) for _ in range(2)]
        sealer = Sealer({1: b"k" * 32})
        kinds = discover(namespaces, "namespace", NamespaceKind)
        now = START + timedelta(days=30)
        one, other = (
            Worker(database, GraphTools(sealer=lambda _: sealer, now=lambda _: now, namespaces=kinds))
            for database in databases
        )
        try:
            before = options.persons * (options.growth - 1)
            begun = time.perf_counter()
            await one.take([event(0, user(n), cookie(n)) for n in range(before)])
            print(f"{before:,} people loaded before, {time.perf_counter() - begun:.1f} s")
            await analyze(cluster.url("postgres"))
            await measure(one, options.persons, options.runs, before)
            await analyze(cluster.url("postgres"))
            await waits(one, other, options, before + options.persons * options.runs)
        finally:
            for database in databases:
                await database.close()
        await whole_way(cluster, home, options)


if __name__ == "__main__":
    uvloop.run(main())  # as the service runs
