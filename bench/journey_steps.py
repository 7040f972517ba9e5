"""How many journey steps a second one engine process makes durable, and how fast persons enter.

    python -m bench.journey_steps [--persons 20000] [--runs 5]

Entry by event -> wait a day -> message -> wait a day -> message -> end: five nodes a run. A step is a node executed and
left (a departure in the step log); state, log, timers and outbox are written in the same transaction. PostgreSQL with
its durable defaults on this machine's disk; one engine process with its relay on a bus in memory.
"""

import argparse
import base64
import resource
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from launcher.postgres import EmbeddedPostgres
from libs.common.access.model import Workspace
from libs.common.access.projection import save_record
from libs.common.bus import MemoryBus
from libs.common.db import Database, statement
from libs.common.db.migrate import migrate
from libs.common.ids import new_id
from libs.common.personal import Vault
from libs.common.service import running
from services.journey.jobs import advance_due_runs
from services.journey.main import definition
from services.journey.settings import JourneySettings
from services.journey.store.signals import Sighting
from services.journey.usecases.create_journey import create_journey
from services.journey.usecases.hear_signals import Surroundings, hear_signals
from services.journey.usecases.publish_journey import publish_journey

SECRET = base64.b64encode(bytes(range(32))).decode()
PASSWORDS = {"owner": "owner-bench", "app": "app-bench", "worker": "worker-bench"}
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BATCH = 1_000
JOURNEY: dict[str, Any] = {
    "entry": {"on": "event", "event": "followed"},
    "re_entry": "always",
    "exit_rules": [{"event": "order_paid"}],
    "nodes": [
        {"id": "w1", "type": "wait", "for": "P1D"},
        {"id": "m1", "type": "send", "channel": "email"},
        {"id": "w2", "type": "wait", "for": "P1D"},
        {"id": "m2", "type": "send", "channel": "email"},
    ],
}


async def prepare(cluster: EmbeddedPostgres) -> JourneySettings:
    """Make the database with one driven workspace; return the settings of a process."""
    await migrate("journey", cluster.url("bench"), passwords=PASSWORDS)
    urls = {role: cluster.url("bench", user=f"journey_{role}", password=PASSWORDS[role]) for role in ("app", "worker")}
    keys = {"1": Vault(SECRET).new_data_key()}
    database = await Database.open(urls["worker"], service="journey", pool_size=1)
    async with database.transaction((0, 1)) as tx:
        await save_record(tx, Workspace(workspace_id=1, key="acme", name="Acme", data_keys=keys, driven_now=START))
    await database.close()
    return JourneySettings(
        database_url=urls["app"], worker_database_url=urls["worker"], master_key=SECRET, service_secret=SECRET,
        mode="test", roles=frozenset(),
    )  # fmt: skip


async def enter(runtime: Any, persons: int, now: datetime) -> float:
    """Let so many persons enter in batches; return the seconds it took."""
    started = time.perf_counter()
    for first in range(1, persons + 1, BATCH):
        async with runtime.worker_database.transaction(1) as tx:
            triggers, present = await runtime.parts.triggers.current(tx, [1])
            sightings = [
                Sighting(1, n, UUID(int=n), n, "followed", now, new_id(), now, '{"campaign": "spring", "n": 1}')
                for n in range(first, min(first + BATCH, persons + 1))
            ]
            await hear_signals(tx, sightings, around=Surroundings(triggers, present, {1: runtime.sealer(1)}))
    return time.perf_counter() - started


async def step(runtime: Any) -> float:
    """Advance until nothing is due; return the seconds it took."""
    started = time.perf_counter()
    while await advance_due_runs.run(runtime):
        pass
    return time.perf_counter() - started


async def put_clock(runtime: Any, now: datetime) -> None:
    """Drive the workspace's clock."""
    async with runtime.worker_database.transaction(1) as tx:
        await tx.execute(statement("update workspace set driven_now = :now"), now=now)


async def measure(settings: JourneySettings, persons: int, runs: int) -> None:
    """Play the journey `runs` times and print medians with their spread."""
    async with running(definition, settings, bus=MemoryBus()) as runtime:
        async with runtime.database.transaction(1) as tx:
            journey = await create_journey(tx, workspace_id=1, name="Bench", definition=JOURNEY, now=START)
            await publish_journey(
                tx, workspace_id=1, journey_id=journey.journey_id, policy=None, deleted={}, published_by="bench",
                graphs=runtime.parts.graphs, now=START,
            )  # fmt: skip
        durable = await settings_of_server(runtime)
        entries: list[float] = []
        rates: list[float] = []
        now = START
        for _ in range(runs):
            entries.append(persons / await enter(runtime, persons, now))
            seconds = await step(runtime)
            for _ in range(2):
                now += timedelta(days=1)
                await put_clock(runtime, now)
                seconds += await step(runtime)
            rates.append(5 * persons / seconds)
            now += timedelta(days=1)
            await put_clock(runtime, now)
        async with runtime.worker_database.transaction(1) as tx:
            done = await tx.fetch_value(statement("select count(*) from step_log where departed"))
            sent = await tx.fetch_value(
                statement("select sum(event_count) from outbox_log where subject like 'journey.message.requested%'")
            )
        assert done == 5 * persons * runs, (done, 5 * persons * runs)
        assert sent == 2 * persons * runs, (sent, 2 * persons * runs)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{durable}; {persons} persons, {runs} runs")
    print(f"steps/s    median {statistics.median(rates):,.0f}  (min {min(rates):,.0f}, max {max(rates):,.0f})")
    print(f"entries/s  median {statistics.median(entries):,.0f}  (min {min(entries):,.0f}, max {max(entries):,.0f})")
    print(f"engine CPU {usage.ru_utime + usage.ru_stime:.1f} s, peak memory {usage.ru_maxrss / 1024:.0f} MiB")


async def settings_of_server(runtime: Any) -> str:
    """Return the durability settings in force."""
    names = ("fsync", "synchronous_commit", "full_page_writes")
    async with runtime.database.transaction(1) as tx:
        return ", ".join([f"{n}={await tx.fetch_value(statement(f'show {n}'))}" for n in names])


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--persons", type=int, default=20_000)
    arguments.add_argument("--runs", type=int, default=5)
    chosen = arguments.parse_args()
    home = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    cluster = EmbeddedPostgres(home / "postgres")
    try:
        with cluster:
            uvloop.run(all_of_it(cluster, chosen.persons, chosen.runs))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def all_of_it(cluster: EmbeddedPostgres, persons: int, runs: int) -> None:
    """Prepare and measure."""
    import asyncpg  # noqa: PLC0415 - only to make the database

    connection = await asyncpg.connect(cluster.url())
    await connection.execute("create database bench")
    await connection.close()
    await measure(await prepare(cluster), persons, runs)


if __name__ == "__main__":
    main()
