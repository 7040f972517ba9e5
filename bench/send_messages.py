"""How many messages a second one messaging process decides, renders and hands over.

    python -m bench.send_messages [--messages 5000] [--runs 5]

Two lines: `gate, render, inbox` (own store) and `mail over SMTP` to a minimal sink in a process of its own. Each one
is for a person of its own: asked of profile (played, in batches), judged against two caps, rendered in the sandbox, its
slot reserved and its handoff committed before it leaves, then settled. PostgreSQL with its durable defaults on this
machine's disk; the sink checks that each message arrived exactly once.
"""

import argparse
import asyncio
import base64
import multiprocessing
import resource
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import uvloop

from launcher.postgres import EmbeddedPostgres
from libs.common.access.model import Workspace
from libs.common.access.projection import save_record
from libs.common.bus import MemoryBus
from libs.common.db import Database, statement
from libs.common.db.migrate import migrate
from libs.common.http.peers import Peers
from libs.common.ids import new_id
from libs.common.personal import Vault
from libs.common.service import running
from services.messaging.domain.policy import Calendar, Cap, Policy, Rolling
from services.messaging.domain.template import Content, Template
from services.messaging.jobs import send_due_messages
from services.messaging.main import definition
from services.messaging.settings import MessagingSettings
from services.messaging.store.intents import NewIntent
from services.messaging.store.policies import put_policy
from services.messaging.store.templates import put_template
from services.messaging.usecases.accept_intents import accept_intents, content_key

SECRET = base64.b64encode(bytes(range(32))).decode()
PASSWORDS = {"owner": "owner-bench", "app": "app-bench", "worker": "worker-bench"}
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
LANES = 2
POLICY = Policy(
    caps=(Cap("day", 2, Calendar("day")), Cap("week", 5, Rolling(timedelta(days=7)), channels=frozenset({"email"})))
)
TEMPLATE = Template(
    {
        "en": Content(
            subject="{{ person.first_name | default: 'Friend' }}, your basket waits",
            text="Hi {{ person.first_name }},\n\n{% for item in items %}- {{ item }}\n{% endfor %}\nSee you soon.",
            action_label="Back to the shop",
            action_url="https://shop.example/basket?id={{ person.basket }}",
        )
    }
)


def profile() -> httpx.MockTransport:
    """Play profile: everybody allows everything."""

    def answer(request: httpx.Request) -> httpx.Response:
        answers = [
            {
                "person_no": q["person_no"], "channel": q["channel"], "state": "granted",
                "address": f"person{q['person_no']}@example.org", "timezone": "Asia/Shanghai", "locale": "en",
                "traits": {"first_name": "Ming", "basket": q["person_no"]},
            }
            for q in msgspec.json.decode(request.content)["questions"]
        ]  # fmt: skip
        return httpx.Response(200, content=msgspec.json.encode({"answers": answers}))

    return httpx.MockTransport(answer)


def run_sink(pipe: Connection) -> None:
    """Take mails and count them by Message-ID until told to answer and end (a process of its own)."""
    asyncio.run(_sink(pipe))


async def _sink(pipe: Connection) -> None:
    counts: dict[bytes, int] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                name = body.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
                counts[name] = counts.get(name, 0) + 1
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**22)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(pipe.recv)
    pipe.send((len(counts), sum(counts.values())))


async def prepare(cluster: EmbeddedPostgres, smtp_port: int) -> MessagingSettings:
    """Make the database with one workspace; return the settings of a process."""
    await migrate("messaging", cluster.url("bench"), passwords=PASSWORDS)
    urls = {r: cluster.url("bench", user=f"messaging_{r}", password=PASSWORDS[r]) for r in ("app", "worker")}
    keys = {"1": Vault(SECRET).new_data_key()}
    database = await Database.open(urls["worker"], service="messaging", pool_size=1)
    async with database.transaction((0, 1)) as tx:
        await save_record(tx, Workspace(workspace_id=1, key="acme", name="Acme", data_keys=keys, driven_now=START))
        await put_policy(tx, 1, POLICY, now=START)
        await put_template(
            tx, 1, key="basket", name="Basket", template=TEMPLATE, template_id=new_id(), by="bench", now=START
        )
    await database.close()
    return MessagingSettings(
        database_url=urls["app"], worker_database_url=urls["worker"], master_key=SECRET, service_secret=SECRET,
        mode="test", roles=frozenset(), smtp_port=smtp_port, smtp_connections=8, render_processes=LANES,
    )  # fmt: skip


async def ask(runtime: Any, channel: str, first: int, count: int) -> None:
    """Put so many intents into the ledger, one a person."""
    for start in range(first, first + count, 1000):
        intents = [
            NewIntent(
                intent_id=new_id(), idempotency_key=f"{channel}/{n}", person_no=n, person_id=UUID(int=n),
                origin="journey", journey_id=UUID(int=7), run_id=UUID(int=n), node="mail", visit=1,
                channels=(channel,), template_key="basket", content_key=content_key("basket", str(n)),
                context={"items": ["tea", "cups", "a pot"]}, requested_at=START, received_at=START, due_at=START,
                expires_at=START + timedelta(days=3),
            )
            for n in range(start, min(start + 1000, first + count))
        ]  # fmt: skip
        async with runtime.worker_database.transaction(1) as tx:
            await accept_intents(tx, 1, intents, policy=POLICY, now=START)


async def send_all(runtime: Any) -> float:
    """Run the pipeline's lanes until nothing is due; return the seconds it took."""

    async def lane() -> None:
        while await send_due_messages.run(runtime):
            pass

    begun = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    return time.perf_counter() - begun


async def measure(settings: MessagingSettings, messages: int, runs: int, pipe: Connection) -> None:
    """Send by each channel `runs` times and print medians with their spread."""
    peers = Peers("messaging", settings, {"profile": profile()})
    rates: dict[str, list[float]] = {"inbox": [], "email": []}
    async with running(definition, settings, bus=MemoryBus(), peers=peers) as runtime:
        durable = await durability(runtime)
        number = 1
        for _ in range(runs):
            for channel, measured in rates.items():
                await ask(runtime, channel, number, messages)
                number += messages
                measured.append(messages / await send_all(runtime))
        async with runtime.worker_database.transaction(1) as tx:
            states = await tx.fetch(statement("select state, channel, count(*) as n from intent group by 1, 2"))
    pipe.send("end")
    unique, total = pipe.recv()
    found = {(row["state"], row["channel"]): row["n"] for row in states}
    assert found == {("delivered", "inbox"): messages * runs, ("sent", "email"): messages * runs}, found
    assert (unique, total) == (messages * runs, messages * runs), (unique, total)
    usage, sandbox = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{durable}; {messages} messages a run, {runs} runs each, {LANES} lanes, 8 SMTP connections")
    for title, channel in (("gate, render, inbox", "inbox"), ("mail over SMTP     ", "email")):
        r = rates[channel]
        print(f"{title}  messages/s median {statistics.median(r):,.0f}  (min {min(r):,.0f}, max {max(r):,.0f})")
    print(
        f"service CPU {usage.ru_utime + usage.ru_stime:.1f} s, peak memory {usage.ru_maxrss / 1024:.0f} MiB; ", end=""
    )
    print(f"sandbox CPU {sandbox.ru_utime + sandbox.ru_stime:.1f} s; every message arrived once: {unique:,} mails")


async def durability(runtime: Any) -> str:
    """Return the durability settings in force."""
    names = ("fsync", "synchronous_commit", "full_page_writes")
    async with runtime.worker_database.transaction(1) as tx:
        values = [await tx.driver.fetchval(f"show {name}") for name in names]
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=run_sink, args=(theirs,), daemon=True)
    sink.start()
    directory = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    try:
        with EmbeddedPostgres(directory) as cluster:
            uvloop.run(_main(cluster, ours, arguments.messages, arguments.runs))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        sink.join(5)


async def _main(cluster: EmbeddedPostgres, pipe: Connection, messages: int, runs: int) -> None:
    await _create(cluster)
    settings = await prepare(cluster, pipe.recv())
    await measure(settings, messages, runs, pipe)


async def _create(cluster: EmbeddedPostgres) -> None:
    import asyncpg  # noqa: PLC0415 - only the bench makes databases

    connection = await asyncpg.connect(cluster.url())
    await connection.execute("create database bench")
    await connection.close()


if __name__ == "__main__":
    main()
