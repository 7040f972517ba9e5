"""Resolve: known-identifier and link-changing events a second, one worker, on a cluster of its own.

    python -m bench.identity_resolve [--persons 2000] [--events 10000]

Measures `resolve_evidence` (the graph's part of the resolver) with its transaction, commits included.
"""

import argparse
import asyncio
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database
from libs.common.db.migrate import migrate
from libs.common.ids import new_id
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.policy import NamespaceKind
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools

WORKSPACE = 1
START = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 1_000


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


async def run(database: Database, facts: list[Fact], tools: GraphTools) -> float:
    """Take facts in batches; return events a second."""
    begun = time.perf_counter()
    for position in range(0, len(facts), BATCH):
        async with database.transaction(WORKSPACE) as tx:
            await resolve_evidence(tx, facts[position : position + BATCH], tools)
    return len(facts) / (time.perf_counter() - begun)


async def measure(database: Database, persons: int, events: int) -> None:
    """Print the rates of each kind of event."""
    sealer = Sealer({1: b"k" * 32})
    kinds = discover(namespaces, "namespace", NamespaceKind)
    tools = GraphTools(sealer=lambda _: sealer, now=lambda _: START + timedelta(days=1), namespaces=kinds)
    chance = random.Random(1)
    new = [event(n, user(n), cookie(n)) for n in range(persons)]
    print(f"new persons (2 identifiers, 1 link)   {await run(database, new, tools):8.0f} /s")
    linking = [event(persons + n, user(n), cookie(n, 1)) for n in range(persons)]
    print(f"link-changing (a new cookie joins)    {await run(database, linking, tools):8.0f} /s")
    for _ in range(3):
        known = []
        for n in range(events):
            who = chance.randrange(persons)
            known.append(event(10_000 + n, user(who), cookie(who, chance.randrange(2))))
        print(f"known identifiers                     {await run(database, known, tools):8.0f} /s")
    alone = [event(30_000 + n, cookie(chance.randrange(persons)), kind="observe", tier=3) for n in range(events)]
    print(f"known, anonymous                      {await run(database, alone, tools):8.0f} /s")
    anonymous = [event(40_000 + n, cookie(persons + n), kind="observe", tier=3) for n in range(persons)]
    await run(database, anonymous, tools)
    merging = [event(50_000 + n, user(n), cookie(persons + n)) for n in range(persons)]
    print(f"merging (a stranger is a known user)  {await run(database, merging, tools):8.0f} /s")
    device = Identifier("device", "", "11111111-2222-3333-4444-555555555555")
    storm = [event(60_000 + n, user(n), device) for n in range(persons)]
    print(f"storm on one device                   {await run(database, storm, tools):8.0f} /s")


async def main() -> None:
    """Run on a fresh cluster, durable as in production."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=5_000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as directory,
        EmbeddedPostgres(Path(directory)) as cluster,
    ):
        passwords = {"owner": "o", "app": "a", "worker": "w"}
        await migrate("identity", cluster.url("postgres"), passwords=passwords)
        url = cluster.url("postgres", user="identity_worker", password="w")
        database = await Database.open(url, service="identity", pool_size=2)
        try:
            await measure(database, options.persons, options.events)
        finally:
            await database.close()


if __name__ == "__main__":
    asyncio.run(main())
