"""A hot key: a million links on one phone, what an event costs meanwhile, and how long new limits take to settle.

    python -m bench.identity_hub [--links 1000000] [--settle 10000 100000]

Every event binds another user to the same phone, which is a hub from the fourth on; resolved by the real resolver on
PostgreSQL (durable, a cluster of its own, batches of 1,000). Per decade of links: the processor time an event costs
this process and PostgreSQL's backend, for new users, for users who are there already, and for single unbinds. After
the decades named by `--settle` the phone's threshold is raised from 3 to 1,000: how long until the hub has settled, and
until every region was looked at. Last: the stored partition against one rebuilt from the evidence.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from bench.identity_alone import analyze
from bench.identity_resolve import START, WORKSPACE, Worker, event, user
from bench.start_system import cpu_seconds
from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database, statement
from libs.common.db.migrate import migrate
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import Declared, NamespaceKind
from services.identity.store import regions
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.verify_partition import verify_partition
from services.identity.usecases.put_policies import put_policies
from services.identity.usecases.recompute_regions import recompute_regions

PHONE = Identifier("phone", "", "+8613912345678")
KNOWN, UNBINDS = 2_000, 50
NOW = START.replace(year=START.year + 1)
_CLOCK = statement(
    "insert into workspace (workspace_id, key, name, driven_now) values (:one, 'hub', 'Hub', :now)"
    " on conflict (workspace_id) do nothing"
)
_HUB = statement("select node_no from node where is_shared")


def binds(numbers: Sequence[int]) -> list[Fact]:
    """Return events that bind users to the phone."""
    return [event(number, user(number), PHONE, kind="bind") for number in numbers]


async def cost(worker: Worker, facts: Sequence[Fact], size: int = 1_000) -> tuple[float, float]:
    """Resolve facts; return the processor time an event costs us and PostgreSQL, in microseconds."""
    backend = await worker.backend()
    ours, theirs = time.process_time(), cpu_seconds(backend)
    await worker.take(facts, size)
    ours, theirs = time.process_time() - ours, cpu_seconds(backend) - theirs
    return 1e6 * ours / len(facts), 1e6 * theirs / len(facts)


async def decade(worker: Worker, address: str, first: int, last: int) -> None:
    """Grow the hub from `first` links to `last`, and print what events cost on the way and at the end."""
    begun, spent, rest = time.perf_counter(), [0.0, 0.0], range(first, last)
    for start in range(first, last, 50_000):
        part = rest[start - first : start - first + 50_000]
        mine, theirs = await cost(worker, binds(part))
        spent = [spent[0] + mine * len(part), spent[1] + theirs * len(part)]
    count, took = last - first, time.perf_counter() - begun
    await analyze(address)
    chance = random.Random(last)
    known = await cost(worker, [event(NOW.timestamp(), user(chance.randrange(last)), PHONE) for _ in range(KNOWN)])
    leaving = [event(NOW.timestamp(), user(last - 1 - n), PHONE, kind="unbind") for n in range(UNBINDS)]
    unbind = await cost(worker, leaving, 1)
    print(
        f"{first:>9,} to {last:>9,} links: a new one {spent[0] / count:5.0f} + {spent[1] / count:4.0f} us"
        f" ({count / took:,.0f}/s), one known {known[0]:4.0f} + {known[1]:4.0f} us,"
        f" a single unbind {unbind[0]:6.0f} + {unbind[1]:6.0f} us (worker + PostgreSQL)",
        flush=True,
    )


async def settle(worker: Worker, threshold: int) -> None:
    """Change the phone's threshold and print how long it takes until everything was looked at."""
    phone = msgspec.structs.replace(worker.tools.with_defaults(0, Declared()).of("phone"), hub_threshold=threshold)
    begun = time.perf_counter()
    ours, theirs = time.process_time(), cpu_seconds(await worker.backend())
    async with worker.database.transaction(WORKSPACE) as tx:
        _, count = await put_policies(tx, worker.tools, WORKSPACE, Declared({"phone": phone}))
        hubs = [row["node_no"] for row in await tx.fetch(_HUB)]
    accepted, settled = time.perf_counter() - begun, 0.0
    while True:
        async with worker.database.transaction(WORKSPACE) as tx:
            due = await regions.claim(tx, 200)
            await recompute_regions(tx, due, worker.tools)
            waiting = await regions.settling(tx, WORKSPACE, hubs, NOW)
        settled = settled or (time.perf_counter() - begun if not waiting else 0.0)
        if not due:
            break
    took = time.perf_counter() - begun
    mine, others = time.process_time() - ours, cpu_seconds(await worker.backend()) - theirs
    async with worker.database.transaction(WORKSPACE) as tx:
        assert [row["node_no"] for row in await tx.fetch(_HUB)] == hubs, "the crowd stays a hub"
    print(
        f"          threshold {threshold:,}: accepted in {accepted:.2f} s, the hub settled after {settled:.1f} s, all"
        f" {count:,} after {took:.1f} s; processor {mine:.1f} + {others:.1f} s,"
        f" {1e6 * (mine + others) / count:,.0f} us an identifier",
        flush=True,
    )


async def measure(worker: Worker, address: str, links: int, settling: Sequence[int]) -> None:
    """Grow the hub by decades."""
    async with worker.database.transaction(WORKSPACE) as tx:
        await tx.execute(_CLOCK, one=WORKSPACE, now=NOW)
    first, last, threshold = 0, 1_000, 3
    while first < links:
        await decade(worker, address, first, min(last, links))
        if last in settling:
            threshold = 1_000 if threshold == 3 and last > 1_000 else 3
            await settle(worker, threshold)
        first, last = last, last * 10
    begun = time.process_time()
    async with worker.database.transaction(WORKSPACE) as tx:
        found = await verify_partition(tx, worker.tools, WORKSPACE)
    assert found.different == 0, found
    spent = time.process_time() - begun
    print(f"{found.identifiers:,} identifiers, {found.persons:,} persons, as rebuilt ({spent:.1f} s of processor)")


def _now(_: int) -> datetime:
    return NOW


async def main() -> None:
    """Run on a fresh cluster, durable as in production."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--settle", type=int, nargs="*", default=[10_000, 100_000])
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as directory,
        EmbeddedPostgres(Path(directory)) as cluster,
    ):
        await migrate("identity", cluster.url("postgres"), passwords={"owner": "o", "app": "a", "worker": "w"})
        url = cluster.url("postgres", user="identity_worker", password="w")
        database = await Database.open(url, service="identity", pool_size=1)
        sealer, kinds = Sealer({1: b"k" * 32}), discover(namespaces, "namespace", NamespaceKind)
        worker = Worker(database, GraphTools(sealer=lambda _: sealer, now=_now, namespaces=kinds))
        try:
            await measure(worker, cluster.url("postgres"), chosen.links, chosen.settle)
        finally:
            await database.close()


if __name__ == "__main__":
    asyncio.run(main())
