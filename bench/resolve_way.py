"""The whole way of resolving: events of the record claimed, read, resolved and told; and questions over HTTP beside it.

The rates are of the resolver's job itself (jobs/resolve_events.py) in this process, with as many workers as a process
of the service has, at their own pace: what the collector took is claimed, opened and read, goes through the graph, and
is written to the outbox with its persons, commits included. Nothing else runs meanwhile: the collector has taken the
events before, and the relay publishes none. PostgreSQL's part is that of all its processes.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import random
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bench.identity_alone import DATABASE, Alone, Keys, analyze, identity_alone, prepare, serve, settings_of
from bench.rates import Row
from launcher.postgres import EmbeddedPostgres
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Database, statement
from libs.common.http.pools import keep_all
from libs.common.ids import new_id
from services.identity.jobs import resolve_events

AT_ONCE = 100
AHEAD = 2_000
"""How many events wait for the resolver under load: never none, never so many that it is about the queue."""
BETWEEN_SECONDS = 0.05
START_SECONDS = 60
_TOLD = statement("select coalesce(sum(event_count), 0)::bigint from outbox_log where subject = :subject")
_WAITING = statement("select count(*) from ingest_queue")

Call = dict[str, Any]


def seen(user: int | None, cookie: tuple[int, int]) -> Call:
    """Return the call of a user, or nobody known, on a browser (a person's number, a browser's)."""
    call = {
        "type": "track", "event": "Product Viewed", "messageId": str(new_id()),
        "anonymousId": f"visitor-{cookie[0]}-{cookie[1]}", "properties": {"sku": f"s-{cookie[0] % 500}", "price": 12.5},
    }  # fmt: skip
    return call if user is None else {**call, "userId": f"user-{user}"}


async def whole_way(cluster: EmbeddedPostgres, home: str, options: argparse.Namespace) -> None:
    """Print the job's rates, then what one caller over HTTP waits for."""
    keys = await prepare(cluster, home)
    async with identity_alone(cluster, keys, home, "api") as alone:
        if alone.runtime.relay is not None:
            await alone.runtime.relay.stop()
        job = Job(alone, cluster.pid or 0)
        await job.take([seen(-1 - n, (-1 - n, 0)) for n in range(options.persons)])
        await analyze(cluster.url(DATABASE))
        await _job(job, options.persons, options.runs)
    await _questions(cluster, keys, home, options)


@dataclass
class Job:
    """The resolver's job, run by hand."""

    alone: Alone
    postgres: int

    async def take(self, calls: Sequence[Call], row: Row | None = None) -> None:
        """Let the collector take calls and the job do them; AssertionError unless each is told once."""
        for start in range(0, len(calls), AT_ONCE):
            await self.alone.post(list(calls[start : start + AT_ONCE]))
        before = await self._told()
        if row is None:
            await self._run()
        else:
            with row.timed(len(calls), self.postgres):
                await self._run()
        told = await self._told() - before
        assert told == len(calls), f"{told} of {len(calls)} events were told"

    async def _run(self) -> None:
        await asyncio.gather(*(self._work() for _ in range(resolve_events.job.workers)))

    async def _work(self) -> None:
        while await resolve_events.run(self.alone.runtime):
            pass

    async def _told(self) -> int:
        async with self.alone.runtime.worker_database.transaction(self.alone.keys.workspace_id) as tx:
            return int(await tx.fetch_value(_TOLD, subject=EventRecorded.subject))


async def _job(job: Job, persons: int, runs: int) -> None:
    chance = random.Random(1)
    new, linking = Row("whole way: new persons"), Row("whole way: a new cookie joins")
    known, merging = Row("whole way: known identifiers"), Row("whole way: a stranger is a known user")
    for run in range(runs):
        who = range(persons * run, persons * (run + 1))
        await job.take([seen(n, (n, 0)) for n in who], new)
        await job.take([seen(n, (n, 1)) for n in who], linking)
        often = [chance.choice(who) for _ in range(2 * persons)]
        await job.take([seen(n, (n, chance.randrange(2))) for n in often], known)
        await job.take([seen(None, (n, 2)) for n in who])
        await job.take([seen(n, (n, 2)) for n in who], merging)
        some = chance.sample(who, min(persons, AT_ONCE))
        asked = await ask(job.alone.http, [(n, browser) for n in some for browser in range(3)])
        assert len(set(asked)) == len(some), "a user and his browsers are one person, and no two are"
    for row in (new, linking, known, merging):
        row.show()
    print(f"whole way: {job.alone.runtime.parts.batch_size} events at once in the end, by the resolver's own pace")


async def ask(http: httpx.AsyncClient, browsers: Iterable[tuple[int, int]]) -> list[str]:
    """Return the person of each browser (of a user of the same number); AssertionError where that is not the user."""
    items = [
        {
            "identifiers": [
                {"namespace": "user_id", "scope": "main", "value": f"user-{user}"},
                {"namespace": "cookie", "value": f"visitor-{user}-{browser}"},
            ]
        }
        for user, browser in browsers
    ]
    answer = await http.post("/v1/identity/resolve", json={"items": items})
    found = answer.raise_for_status().json()["items"]
    for item in found:
        owners = {one["person_id"] for one in item["identifiers"]}
        assert owners == {item["person_id"]} - {None}, item
    return [item["person_id"] for item in found]


@asynccontextmanager
async def _served(cluster: EmbeddedPostgres, keys: Keys, home: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the service on loopback as k8s/ has it: the API with the collector in one process, the jobs in another."""
    listener, spawn = socket.create_server(("127.0.0.1", 0)), multiprocessing.get_context("spawn")
    answering, working = settings_of(cluster, home, "api"), settings_of(cluster, home, "jobs")
    processes = [
        spawn.Process(target=serve, args=arguments, daemon=True)
        for arguments in ((answering, listener), (working, None))
    ]
    for process in processes:
        process.start()
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            timeout=START_SECONDS, limits=keep_all(), trust_env=False,
            headers={"authorization": f"Bearer {keys.secret_key}"},
        ) as http:  # fmt: skip
            (await http.get("/live")).raise_for_status()  # the socket is open: the call waits for the service
            yield http
    finally:
        for process in processes:
            process.terminate()
            process.join(START_SECONDS)
        listener.close()


@dataclass
class Load:
    """Link-changing events, posted so that some always wait for the resolver."""

    http: httpx.AsyncClient
    key: str
    queue: Database
    posted: int = 0

    async def waiting(self) -> int:
        """Return how many events wait."""
        async with self.queue.transaction([]) as tx:
            return int(await tx.fetch_value(_WAITING))

    async def post(self, calls: list[Call]) -> None:
        """Post calls, a hundred at once."""
        for start in range(0, len(calls), AT_ONCE):
            body = {"batch": calls[start : start + AT_ONCE]}
            (await self.http.post("/v1/batch", json=body, auth=(self.key, ""))).raise_for_status()
        self.posted += len(calls)

    async def keep_up(self, calls: Iterator[Call]) -> None:
        """Post for ever."""
        while True:
            if await self.waiting() < AHEAD:
                await self.post(list(itertools.islice(calls, AT_ONCE)))
            else:
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until none waits; TimeoutError when that takes ten minutes."""
        async with asyncio.timeout(600):
            while await self.waiting():  # noqa: ASYNC110 - it is another process that changes
                await asyncio.sleep(0.05)


async def _questions(cluster: EmbeddedPostgres, keys: Keys, home: str, options: argparse.Namespace) -> None:
    queue = await Database.open(settings_of(cluster, home).worker_url, service="identity", pool_size=1)
    middle, late, loads = [], [], []
    async with _served(cluster, keys, home) as http:
        load = Load(http, keys.server_key, queue)
        for run in range(options.runs):
            first = options.persons * (options.runs + run)
            who = range(first, first + options.persons)
            await load.post([seen(n, (n, 0)) for n in who])
            await load.settled()
            waits, rate = await _beside(load, who, options.resolves)
            middle.append(1000 * waits[len(waits) // 2])
            late.append(1000 * waits[int(len(waits) * 0.99)])
            loads.append(rate)
            await load.settled()
    await queue.close()
    print(
        f"whole way: POST resolve over HTTP beside link-changing events: p50 {statistics.median(middle):.1f} ms,"
        f" p99 {statistics.median(late):.1f} ms ({min(late):.1f} to {max(late):.1f}; {options.runs} x"
        f" {options.resolves}); load {statistics.median(loads):,.0f}/s through collector and resolver"
    )


async def _beside(load: Load, who: Sequence[int], resolves: int) -> tuple[list[float], float]:
    """Return the waits of single questions, sorted, and how many events a second were resolved meanwhile."""
    joining = (seen(n, (n, 7 + turn)) for turn in itertools.count() for n in who)
    posting = asyncio.create_task(load.keep_up(joining))
    chance, waits, before, began = random.Random(2), [], load.posted, time.perf_counter()
    for _ in range(resolves):
        user = chance.choice(who)
        asked = time.perf_counter()
        await ask(load.http, [(user, 0)])
        waits.append(time.perf_counter() - asked)
        await asyncio.sleep(BETWEEN_SECONDS)
    rate = (load.posted - before - await load.waiting()) / (time.perf_counter() - began)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    return sorted(waits), rate
