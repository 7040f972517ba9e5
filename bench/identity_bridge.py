"""Fans become members: 30 official accounts, a shop's members, and a mini-program that knows both.

    python -m bench.identity_bridge [--accounts 30] [--fans 2000] [--members 8000] [--bridges 3000]

Every account has `--fans` fans whose unionid it tells; humans follow as many accounts as it takes. 8,000 members have a
telephone the till verified; 3,000 of the fans log in to the mini-program with unionid and telephone. Resolved by the
real resolver on PostgreSQL in shuffled batches, with repeats; the persons must be exactly the humans.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.identity_resolve import START, WORKSPACE, event
from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database
from libs.common.db.migrate import migrate
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import NamespaceKind
from services.identity.store import nodes
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools
from world.tokens import phone

PLATFORM = "open-brand"


def openid(account: int, human: int) -> Identifier:
    """Return a human's id in an official account."""
    return Identifier("wx_openid", f"wx0bridge{account:09d}", f"o{account:03d}-{human:023d}")


def unionid(human: int) -> Identifier:
    """Return a human's id in WeChat."""
    return Identifier("wx_unionid", PLATFORM, f"oU{human:026d}")


def member(number: int) -> tuple[Identifier, Identifier]:
    """Return a member's number and telephone."""
    return Identifier("user_id", "main", f"M{number:06d}"), Identifier("phone", "", phone(number))


def facts(accounts: int, fans: int, members: int, bridges: int) -> Iterator[Fact]:
    """Yield what is said: follows, the till's verifications, and the mini-program's log-ins of fans 0, 1, 2, ..."""
    humans = 2 * fans
    chance = random.Random(30)
    for account in range(accounts):
        # The first fans together reach everybody; the others follow whom they like.
        who = (
            range(account % 2 * fans, account % 2 * fans + fans) if account < 2 else chance.sample(range(humans), fans)
        )
        for human in who:
            yield event(human, openid(account, human))
            yield event(human + 1, openid(account, human), unionid(human), kind="bind")
    for number in range(members):
        yield event(number, *member(number), kind="bind")
    for human in range(bridges):
        yield event(1e5 + human, openid(999, human), unionid(human), member(human)[1], kind="bind")


def humans_of(accounts: int, fans: int, members: int, bridges: int) -> dict[Identifier, int]:
    """Return whose every identifier is: a bridge makes fan and member of one number one human."""
    truth: dict[Identifier, int] = {}
    for fact in facts(accounts, fans, members, bridges):
        for one in fact.evidence.identifiers:
            if one.namespace == "wx_openid":
                human = int(one.value.split("-")[1])
            elif one.namespace == "wx_unionid":
                human = int(one.value[2:])
            elif one.namespace == "user_id":
                human = _member_human(int(one.value[1:]), bridges)
            else:
                continue
            truth[one] = human
    truth |= {member(number)[1]: _member_human(number, bridges) for number in range(members)}
    return truth


def _member_human(number: int, bridges: int) -> int:
    return number if number < bridges else -1 - number


async def resolved(database: Database, accounts: int, fans: int, members: int, bridges: int) -> tuple[int, int]:
    """Resolve it all; return the numbers of facts and of persons. AssertionError when a person is not a human."""
    sealer, kinds = Sealer({1: b"k" * 32}), discover(namespaces, "namespace", NamespaceKind)
    tools = GraphTools(sealer=lambda _: sealer, now=_now, namespaces=kinds)
    said = list(facts(accounts, fans, members, bridges))
    chance = random.Random(1)
    said += chance.sample(said, len(said) // 20)
    chance.shuffle(said)
    for start in range(0, len(said), 1_000):
        batch = [Fact(WORKSPACE, one.evidence) for one in said[start : start + 1_000]]
        async with database.transaction(WORKSPACE) as tx:
            await resolve_evidence(tx, batch, tools)
    truth = humans_of(accounts, fans, members, bridges)
    wanted = {(WORKSPACE, tools.lookup(WORKSPACE, one)): human for one, human in truth.items()}
    async with database.transaction(WORKSPACE) as tx:
        found = await nodes.find(tx, list(wanted))
    assert found.keys() == wanted.keys()
    pairs = {(person, wanted[name]) for name, (_, person) in found.items()}
    persons, humans = {person for person, _ in pairs}, {human for _, human in pairs}
    assert len(pairs) == len(persons) == len(humans), (
        f"{len(pairs)} pairs of {len(persons)} persons, {len(humans)} humans"
    )
    return len(said), len(persons)


def _now(_: int) -> datetime:
    return START


async def main() -> None:
    """Run on a fresh cluster, durable as in production."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("accounts", 30), ("fans", 2_000), ("members", 8_000), ("bridges", 3_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as directory,
        EmbeddedPostgres(Path(directory)) as cluster,
    ):
        await migrate("identity", cluster.url("postgres"), passwords={"owner": "o", "app": "a", "worker": "w"})
        url = cluster.url("postgres", user="identity_worker", password="w")
        database = await Database.open(url, service="identity", pool_size=1)
        begun = time.perf_counter()
        try:
            count, persons = await resolved(database, chosen.accounts, chosen.fans, chosen.members, chosen.bridges)
        finally:
            await database.close()
    took = time.perf_counter() - begun
    print(f"{count:,} facts in {took:.1f} s ({count / took:,.0f}/s); {persons:,} persons, exactly the humans")


if __name__ == "__main__":
    asyncio.run(main())
