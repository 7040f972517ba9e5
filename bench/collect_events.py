"""How many events a second the collector takes durably: one-event POSTs and batches of 100, over real HTTP.

    python -m bench.collect_events [--seconds 15] [--runs 5] [--resolver]

One PostgreSQL with its durable defaults, one collector process, one load process (this one). `--resolver` runs the
resolver in a third process beside it and reports how long it takes to drain afterwards.
"""

import argparse
import asyncio
import base64
import multiprocessing
import os
import resource
import shutil
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from bench.identity_alone import DATABASE, prepare, serve, settings_of
from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database, statement
from services.identity.settings import IdentitySettings

CONNECTIONS = 64


async def _shown(cluster: EmbeddedPostgres, name: str) -> Any:
    connection = await asyncpg.connect(cluster.url())
    try:
        return await connection.fetchval(f"show {name}")
    finally:
        await connection.close()


def an_event(number: int, run: str) -> dict[str, Any]:
    """Return an event as a browser sends it: about 700 bytes."""
    return {
        "type": "track", "event": "Product Viewed", "messageId": f"{run}-{number:032d}",
        "userId": f"u{number % 100_000}",
        "anonymousId": f"507f191e810c19729de860ea-{number % 150_000}", "timestamp": "2026-01-23T08:35:17.562Z",
        "properties": {**{f"prop_{n}": f"value {n}" for n in range(10)}, "price": 12.5, "quantity": number % 7},
        "context": {
            "library": {"name": "analytics.js", "version": "2.1"}, "locale": "zh-CN",
            "page": {"url": "https://shop.example/a/b", "path": "/a/b", "title": "A", "referrer": ""},
            "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36",
        },
    }  # fmt: skip


def requests_of(run: str, key: str, batch: int, count: int) -> list[bytes]:
    """Return whole HTTP requests, made before the clock runs."""
    path = "track" if batch == 1 else "batch"
    auth = base64.b64encode(f"{key}:".encode()).decode()
    made = []
    for start in range(0, count * batch, batch):
        events = [an_event(number, run) for number in range(start, start + batch)]
        body = msgspec.json.encode(events[0] if batch == 1 else {"batch": events, "sentAt": "2026-01-23T08:35:18Z"})
        head = (
            f"POST /v1/{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {auth}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Load:
    """Sends made requests over some connections for some seconds; each connection waits for its answer."""

    def __init__(self, port: int, waiting: list[bytes], seconds: float) -> None:
        self.port, self.waiting, self.seconds = port, waiting, seconds
        self.answered = 0
        self.refused = 0
        self.latencies: list[float] = []

    async def run(self) -> float:
        """Return the seconds it took."""
        start = time.perf_counter()
        await asyncio.gather(*(self._connection(start + self.seconds) for _ in range(CONNECTIONS)))
        return time.perf_counter() - start

    async def _connection(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024 * 1024)
        while self.waiting and time.perf_counter() < until:
            sent = time.perf_counter()
            writer.write(self.waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            self.latencies.append(time.perf_counter() - sent)
            if head.startswith(b"HTTP/1.1 200"):
                self.answered += 1
            else:
                self.refused += 1
        writer.close()


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> int:
    """Return the largest resident size of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


async def measure(port: int, key: str, batch: int, seconds: float, runs: int, pid: int) -> None:
    """Print the rate of each run, their median and spread."""
    figures = []
    for number in range(runs):
        enough = int(seconds * (12_000 if batch == 1 else 900)) + CONNECTIONS
        made = requests_of(f"{batch}-{number}-{time.time_ns()}", key, batch, enough)
        before = cpu_seconds(pid)
        load = Load(port, made, seconds)
        took = await load.run()
        latencies = sorted(load.latencies)
        rate = load.answered * batch / took
        figures.append(rate)
        p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
        used = cpu_seconds(pid) - before
        print(
            f"  run {number + 1}: {rate:10,.0f} events/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms"
            f"  refused {load.refused}  collector {used / took:.2f} cores",
            flush=True,
        )
    spread = f"{min(figures):,.0f}..{max(figures):,.0f}"
    print(f"batch {batch}, c={CONNECTIONS}: median {statistics.median(figures):,.0f} events/s ({spread})\n", flush=True)


async def drained(settings: IdentitySettings, since: float) -> None:
    """Wait until the queue is empty and print how long it took."""
    database = await Database.open(settings.worker_url, service="identity")
    while True:
        async with database.transaction([]) as tx:
            left = await tx.fetch_value(statement("select count(*) from ingest_queue"))
        if left == 0:
            break
        await asyncio.sleep(0.5)
    print(f"the resolver drained the queue {time.perf_counter() - since:.1f} s after the last answer")
    await database.close()


async def check(cluster: EmbeddedPostgres) -> None:
    """Print what is in the record: every answered event, once."""
    connection = await asyncpg.connect(cluster.url(DATABASE))
    logged = await connection.fetchval("select count(*) from identity.event_log")
    counted = await connection.fetchrow(
        "select sum(posted) posted, sum(accepted) accepted from identity.source_counter"
    )
    posted, accepted = (counted["posted"], counted["accepted"]) if counted else (0, 0)
    print(f"record {logged:,}; counters posted {posted:,}, accepted {accepted:,}")
    await connection.close()


async def main(arguments: argparse.Namespace, home: str) -> None:
    """Start everything, measure, check the record against what was answered."""
    with EmbeddedPostgres(Path(home) / "postgres", settings={"shared_buffers": "512MB"}) as cluster:
        names = ("fsync", "synchronous_commit", "full_page_writes", "server_version")
        shown = {name: await _shown(cluster, name) for name in names}
        print(f"{os.cpu_count()} cores, everything on them; PostgreSQL {shown}", flush=True)
        api = settings_of(cluster, home, "api")
        key = (await prepare(cluster, home)).browser_key
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=serve, args=(api, listener), daemon=True)]
        if arguments.resolver:
            jobs = settings_of(cluster, home, "jobs")
            processes.append(context.Process(target=serve, args=(jobs, None), daemon=True))
        for process in processes:
            process.start()
        pid = processes[0].pid or 0
        try:
            await asyncio.sleep(3)
            for batch in arguments.batches:
                await measure(port, key, batch, arguments.seconds, arguments.runs, pid)
            end = time.perf_counter()
            if arguments.resolver:
                await drained(api, end)
            await check(cluster)
            load = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"collector peak {peak_megabytes(pid)} MB; load generator {load} MB")
        finally:
            for process in processes:
                process.terminate()
                process.join(10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 100])
    parser.add_argument("--resolver", action="store_true")
    folder = tempfile.mkdtemp(prefix="rapport-bench-")
    try:
        uvloop.run(main(parser.parse_args(), folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
