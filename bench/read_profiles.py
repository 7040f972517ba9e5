"""How long the whole picture of one person takes to read, over real HTTP, and how fast events are recorded.

    python -m bench.read_profiles [--persons 100000] [--reads 2000] [--runs 5] [--events 20000]

One PostgreSQL with its durable defaults, one service process, one reader (this process). Every person has 3
identifiers, 10 traits (2 of them sealed) with a fact each, 2 contact points, 3 lines of consent and 6 rows of timeline.
Persons are drawn evenly. The bulk is written by SQL; the recording is the service's own use case.
"""

import argparse
import asyncio
import base64
import multiprocessing
import os
import random
import resource
import socket
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from launcher.postgres import EmbeddedPostgres
from libs.common.access import service_tokens
from libs.common.access.model import Workspace
from libs.common.access.projection import save_record
from libs.common.bus import MemoryBus
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Database
from libs.common.db.migrate import migrate
from libs.common.personal import Sealer, Vault
from libs.common.service import app_of, running
from services.profile.main import definition
from services.profile.settings import ProfileSettings
from services.profile.usecases.means import Means
from services.profile.usecases.record_events import record_events

SECRET = base64.b64encode(bytes(range(32))).decode()
PASSWORDS = {"owner": "owner-bench", "app": "app-bench", "worker": "worker-bench"}
START = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = 1
FILL = """
insert into profile.person (workspace_id, person_no, person_id, received_at)
select 1, n, lpad(to_hex(n), 32, '0')::uuid, '2026-01-01Z' from generate_series({first}, {last}) n;
insert into profile.subject (workspace_id, subject_no, namespace, scope, lookup, timezone, timezone_at)
select 1, n * 3 + i, 'user_id', i::text, decode(md5(n || 'x' || i), 'hex'), 'Asia/Shanghai', '2026-01-01Z'
from generate_series({first}, {last}) n, generate_series(0, 2) i;
insert into profile.ownership_fact (workspace_id, subject_no, version, since, person_no, received_at)
select 1, n * 3 + i, v, '0001-01-02Z', n, '2026-01-01Z'
from generate_series({first}, {last}) n, generate_series(0, 2) i, generate_series(0, 1) v;
insert into profile.ownership (workspace_id, subject_no, valid_from, valid_to, person_no)
select 1, n * 3 + i, '0001-01-02Z', '9999-12-31Z', n from generate_series({first}, {last}) n, generate_series(0, 2) i;
insert into profile.trait_fact (
    workspace_id, subject_no, trait, event_id, source_id, event_time, received_at, kind, type, value, sealed)
select 1, n * 3 + t % 3, 'trait_' || t, md5(n || 'f' || t)::uuid, 1, '2026-01-01Z', '2026-01-01Z', 'set', 'text',
    case when t > 1 then '"value ' || n || '"' end, case when t <= 1 then decode('{sealed}', 'hex') end
from generate_series({first}, {last}) n, generate_series(0, 9) t;
insert into profile.trait_view
select 1, n, 'trait_' || t, 'text', case when t > 1 then to_jsonb('value ' || n) end,
    case when t <= 1 then decode('{sealed}', 'hex') end, t <= 1, '2026-01-01Z', '2026-01-01Z', 1, n * 3 + t % 3,
    md5(n || 'f' || t)::uuid, false, 0, '2026-01-01Z', 1
from generate_series({first}, {last}) n, generate_series(0, 9) t;
insert into profile.contact_point
select 1, n * 3 + i, case i when 0 then 'email' else 'phone' end, '', decode(md5(n || 'c' || i), 'hex'),
    decode('{sealed}', 'hex'), '2026-01-01Z', '2026-01-01Z', null
from generate_series({first}, {last}) n, generate_series(0, 1) i;
insert into profile.timeline
select 1, n * 3 + i % 3, '2026-01-01Z'::timestamptz + i * interval '1 hour', md5(n || 't' || i)::uuid, n, 'track',
    'Product Viewed', 1, '2026-01-01Z', '{{"properties":{{"sku":"a","price":12.5}},"traits":{{}},"context":{{}}}}', null
from generate_series({first}, {last}) n, generate_series(0, 5) i;
insert into profile.consent_ledger (
    workspace_id, statement_id, event_id, subject_no, purpose, channel, state, event_time, received_at, source)
select 1, md5(n || 'l' || i)::uuid, md5(n || 'l' || i)::uuid, n * 3 + i, 'marketing', 'email', 'granted', '2026-01-01Z',
    '2026-01-01Z', 'bench'
from generate_series({first}, {last}) n, generate_series(0, 2) i;
insert into profile.consent_state
select 1, n, 'marketing', 'email', '', 'granted', '2026-01-01Z', 1 from generate_series({first}, {last}) n;
"""


def settings_of(cluster: EmbeddedPostgres, home: str) -> ProfileSettings:
    """Return the settings of the service process."""
    return ProfileSettings(
        database_url=cluster.url("bench", user="profile_app", password=PASSWORDS["app"]),
        worker_database_url=cluster.url("bench", user="profile_worker", password=PASSWORDS["worker"]),
        master_key=SECRET,
        service_secret=SECRET,
        mode="test",
        roles=frozenset({"api"}),
        data_dir=Path(home),
    )


def serve(settings: ProfileSettings, listener: socket.socket) -> None:
    """Run the service in this process until it is ended."""

    async def main() -> None:
        import uvicorn  # noqa: PLC0415 - the reader does not need it

        async with running(definition, settings, bus=MemoryBus()) as runtime:
            config = uvicorn.Config(app_of(definition, runtime), log_config=None, access_log=False, lifespan="off")
            await uvicorn.Server(config).serve(sockets=[listener])

    uvloop.run(main())


async def fill(cluster: EmbeddedPostgres, settings: ProfileSettings, persons: int) -> Sealer:
    """Migrate, make a workspace, write the persons; return the workspace's sealer."""
    admin = await asyncpg.connect(cluster.url())
    await admin.execute("create database bench")
    await admin.close()
    await migrate("profile", cluster.url("bench"), passwords=PASSWORDS)
    vault = Vault(SECRET)
    workspace = Workspace(workspace_id=WORKSPACE, key="bench", name="Bench", data_keys={"1": vault.new_data_key()})
    worker = await Database.open(settings.worker_url, service="profile")
    async with worker.transaction([WORKSPACE]) as tx:
        await save_record(tx, workspace)
    await worker.close()
    sealer = vault.sealer(workspace.data_keys)
    sealed = sealer.seal(b'"anna@example.com"').hex()
    loader = await asyncpg.connect(cluster.url("bench"))
    for first in range(1, persons + 1, 50_000):
        await loader.execute(FILL.format(first=first, last=min(first + 49_999, persons), sealed=sealed), timeout=3600)
    await loader.execute("vacuum analyze", timeout=3600)
    await loader.close()
    return sealer


async def read(port: int, ids: list[UUID]) -> list[float]:
    """Read persons one after the other over one connection; return the milliseconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = service_tokens.issue(SECRET, "segment")
    took: list[float] = []
    for person_id in ids:
        head = (
            f"GET /v1/profile/persons/{person_id} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"X-Workspace: {WORKSPACE}\r\n\r\n"
        )
        begin = time.perf_counter()
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        took.append((time.perf_counter() - begin) * 1000)
        if not answer.startswith(b"HTTP/1.1 200") or len(msgspec.json.decode(body)["traits"]) != 10:
            raise SystemExit(f"a read failed: {answer[:60]!r} {body[:200]!r}")
    writer.close()
    return took


def an_event(number: int, persons: int, sealer: Sealer) -> EventRecorded:
    """Return one of four events an identify call with five traits (one sealed), else a track call."""
    person_no = 1 + number * 7919 % persons
    identify = number % 4 == 0
    at = START + timedelta(days=1, milliseconds=number)
    traits = {f"trait_{n}": f"new {number}" for n in range(2, 6)} if identify else {}
    return EventRecorded(
        workspace_id=WORKSPACE, person_no=person_no, person_id=UUID(int=person_no), subject_no=person_no * 3,
        kind="identify" if identify else "track", name="$identify" if identify else "Product Viewed", source_id=1,
        message_id=str(number), occurred_at=at, received_at=at,
        traits=msgspec.Raw(msgspec.json.encode(traits)),
        properties=msgspec.Raw(b'{"sku":"a","price":12.5}'),
        context=msgspec.Raw(b'{"timezone":"Asia/Shanghai","locale":"zh-CN"}'),
        sealed=sealer.seal_json({"properties": {}, "traits": {"trait_1": "x"}, "context": {}}) if identify else None,
    )  # fmt: skip


async def record(settings: ProfileSettings, persons: int, count: int, sealer: Sealer) -> float:
    """Record events in batches of 500; return the events a second."""
    database = await Database.open(settings.worker_url, service="profile")
    means = Means(lambda _: sealer, lambda _: {}, lambda _: START)
    events = [an_event(number, persons, sealer) for number in range(count)]
    begin = time.perf_counter()
    for start in range(0, count, 500):
        async with database.transaction([WORKSPACE]) as tx:
            await record_events(tx, events[start : start + 500], means=means)
    took = time.perf_counter() - begin
    await database.close()
    return count / took


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(arguments: argparse.Namespace, cluster: EmbeddedPostgres, home: str) -> None:
    """Fill, read in runs, record, and print."""
    settings = settings_of(cluster, home)
    begin = time.perf_counter()
    sealer = await fill(cluster, settings, arguments.persons)
    print(f"{arguments.persons:,} persons written in {time.perf_counter() - begin:.0f} s")
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(settings, listener), daemon=True)
    process.start()
    port = listener.getsockname()[1]
    rng = random.Random(1)
    runs: list[tuple[float, float, float]] = []
    try:
        await read(port, [UUID(int=1)] * 20)
        for _ in range(arguments.runs):
            ids = [UUID(int=rng.randint(1, arguments.persons)) for _ in range(arguments.reads)]
            took = await read(port, ids)
            runs.append((percentile(took, 0.5), percentile(took, 0.95), percentile(took, 0.99)))
    finally:
        process.terminate()
        process.join()
    for name, place in (("p50", 0), ("p95", 1), ("p99", 2)):
        values = [run[place] for run in runs]
        print(
            f"360 read {name}: {statistics.median(values):.2f} ms "
            f"({min(values):.2f}-{max(values):.2f}, {len(runs)} runs)"
        )
    own = time.process_time()
    rate = await record(settings, arguments.persons, arguments.events, sealer)
    each = (time.process_time() - own) / arguments.events * 1e6
    print(f"events recorded, one worker, batches of 500, one in four an identify call: {rate:,.0f}/s")
    print(f"of that {each:.0f} us of the worker's processor an event, making the events included")
    print(f"load of the machine while measuring: {os.getloadavg()[0]:.1f}")
    service = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"service process: {service.ru_utime + service.ru_stime:.1f} CPU-seconds, peak {service.ru_maxrss // 1024} MB"
    )
    print("fsync, full_page_writes and synchronous_commit on; one service process, one connection reading")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--events", type=int, default=20_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as home:
        Path(home).chmod(0o755)
        with EmbeddedPostgres(Path(home) / "pg") as cluster:
            asyncio.run(measure(arguments, cluster, home))


if __name__ == "__main__":
    main()
