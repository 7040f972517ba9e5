"""Fans become members: 30 official accounts, a shop's members, and a mini-program that knows both.

    python -m bench.identity_bridge [--accounts 30] [--fans 2000] [--members 8000] [--bridges 3000]
                                    [--login]

Every account has `--fans` fans whose unionid it tells; humans follow as many accounts as it takes. 8,000 members have a
telephone the till verified; 3,000 of the fans log in to the mini-program with unionid and telephone. Resolved by the
real resolver on PostgreSQL in shuffled batches, with repeats; the persons must be exactly the humans.

With `--login` nothing is given to the resolver: the service runs, each account has its webhook, followers come as
signed callbacks of WeChat's, whom the service then asks about them (a WeChat of our own in this process), members by
the collector, and the mini-program's users by the codes of `wx.login` and `getPhoneNumber` (`code2session`).
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.bridge_humans import MINI_PROGRAM, Brand, exactly_the_humans, member, openid, unionid
from bench.identity_alone import identity_alone, prepare
from bench.identity_login import tell
from bench.identity_resolve import START, WORKSPACE, event
from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database
from libs.common.db.migrate import migrate
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.policy import NamespaceKind
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools


def facts(brand: Brand) -> Iterator[Fact]:
    """Yield what is said: follows, the till's verifications, and the mini-program's log-ins of fans 0, 1, 2, ..."""
    for account, human in brand.follows():
        yield event(human, openid(account, human))
        yield event(human + 1, openid(account, human), unionid(human), kind="bind")
    for number in range(brand.members):
        yield event(number, *member(number), kind="bind")
    for human in range(brand.bridges):
        yield event(1e5 + human, openid(MINI_PROGRAM, human), unionid(human), member(human)[1], kind="bind")


async def resolved(database: Database, brand: Brand) -> tuple[int, int]:
    """Resolve it all; return the numbers of facts and of persons. AssertionError when a person is not a human."""
    sealer, kinds = Sealer({1: b"k" * 32}), discover(namespaces, "namespace", NamespaceKind)
    tools = GraphTools(sealer=lambda _: sealer, now=_now, namespaces=kinds)
    said = list(facts(brand))
    chance = random.Random(1)
    said += chance.sample(said, len(said) // 20)
    chance.shuffle(said)
    for start in range(0, len(said), 1_000):
        batch = [Fact(WORKSPACE, one.evidence) for one in said[start : start + 1_000]]
        async with database.transaction(WORKSPACE) as tx:
            await resolve_evidence(tx, batch, tools)
    return len(said), await exactly_the_humans(database, tools, WORKSPACE, brand.humans())


async def by_resolver(cluster: EmbeddedPostgres, brand: Brand) -> tuple[int, int]:
    """Give facts to the resolver; return how many, and the persons."""
    await migrate("identity", cluster.url("postgres"), passwords={"owner": "o", "app": "a", "worker": "w"})
    url = cluster.url("postgres", user="identity_worker", password="w")
    database = await Database.open(url, service="identity", pool_size=1)
    try:
        return await resolved(database, brand)
    finally:
        await database.close()


async def by_login(cluster: EmbeddedPostgres, home: str, brand: Brand) -> tuple[int, int]:
    """Let WeChat and the till tell the service; return how many calls, and the persons."""
    keys = await prepare(cluster, home)
    async with identity_alone(cluster, keys, home, "api", "jobs") as alone:
        told = await tell(alone, brand)
        database, graph = alone.runtime.worker_database, alone.runtime.parts.graph
        return told, await exactly_the_humans(database, graph, keys.workspace_id, brand.humans())


def _now(_: int) -> datetime:
    return START


async def main() -> None:
    """Run on a fresh cluster, durable as in production."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("accounts", 30), ("fans", 2_000), ("members", 8_000), ("bridges", 3_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--login", action="store_true", help="through the doors, as WeChat tells it")
    chosen = parser.parse_args()
    brand = Brand(chosen.accounts, chosen.fans, chosen.members, chosen.bridges)
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as home,
        EmbeddedPostgres(Path(home) / "postgres") as cluster,
    ):
        begun = time.perf_counter()
        count, persons = await (by_login(cluster, home, brand) if chosen.login else by_resolver(cluster, brand))
        took = time.perf_counter() - begun
    what = "calls" if chosen.login else "facts"
    print(f"{count:,} {what} in {took:.1f} s ({count / took:,.0f}/s); {persons:,} persons, exactly the humans")


if __name__ == "__main__":
    asyncio.run(main())
