"""Batches of every kind at once: nobody waits in a circle, and the rows are those of one after the other."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from libs.common.db import Database
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import Tag
from services.profile.store import consent_expiries, guard, tag_touches, tags
from services.profile.usecases.expire_grants import expire_grants
from services.profile.usecases.settle_tag_rules import Answered, settle_tag_rules
from tests.fixtures.postgres import ServiceDatabase
from tests.profile.saying import START, an_event, at, erased, identify, merged, owns, progressed, some_means
from tests.profile.usecases.test_any_order_gives_the_same_tables import (
    IDENTIFIERS,
    KEEN,
    channels_are_those_of_the_addresses,
    hear,
    published_is_what_is_kept,
    workspaces,
)

WORKERS = 6
ROUNDS = 12
PERSONS = 8
LIVELY = Tag(
    tag="lively", group="", owner="", description="", kind="rule", refresh="streaming", ttl_seconds=None,
    rule='{"tag": "keen"}',
)  # fmt: skip


@pytest_asyncio.fixture
async def busy(profile_database: ServiceDatabase) -> AsyncIterator[Database]:
    """A pool as of several processes."""
    database = await Database.open(profile_database.url("worker"), service="profile", pool_size=WORKERS)
    yield database
    await database.close()


def a_batch(rng: random.Random) -> list[Any]:
    """Events of one contract about persons and identifiers here and there."""
    size = rng.randint(3, 8)

    def who() -> tuple[int, int]:
        return rng.randint(1, PERSONS), rng.randint(1, 12)

    kind = rng.randrange(25) % 8
    if kind == 0:
        return [identify(*who(), minute=rng.randint(0, 9), traits={"tier": rng.choice("abc")}) for _ in range(size)]
    if kind == 1:
        numbers = ["139 1234 0004", "+8613912340005"]
        return [
            identify(*who(), minute=rng.randint(0, 9), personal={"mobile": rng.choice(numbers)}) for _ in range(size)
        ]
    if kind == 2:
        words = ["Consent Granted", "Consent Withdrawn", "Seen"]
        return [
            an_event(*who(), minute=rng.randint(0, 9), name=rng.choice(words), properties={"channel": "email"},
                     authenticated=rng.random() < 0.5)
            for _ in range(size)
        ]  # fmt: skip
    if kind in (3, 4):
        moves = [(*who(), rng.randint(1, 10**6)) for _ in range(size)]
        return [owns(*move, **IDENTIFIERS.get(move[1], {})) for move in moves]
    if kind == 5:
        states = ["sent", "bounced", "unsubscribed"]
        return [
            progressed(rng.randint(1, PERSONS), rng.choice(states), minute=rng.randint(0, 9), channel="sms")
            for _ in range(size)
        ]
    if kind == 7:
        return [erased(rng.randint(1, PERSONS), (rng.randint(1, 12),))]
    one, other = rng.sample(range(1, PERSONS + 1), 2)
    version = rng.randint(1, 10**6)
    return [merged(one, other, version), merged(*rng.sample(range(1, PERSONS + 1), 2), version + 1)]


@pytest.mark.parametrize("seed", range(3))
async def test_batches_at_once_never_wait_in_a_circle(busy: Database, seed: int) -> None:
    workspace_id = next(workspaces)
    async with busy.transaction(workspace_id) as tx:
        await tags.save(tx, workspace_id, KEEN, START)
        await tags.save(tx, workspace_id, LIVELY, START)

    async def work(worker: int) -> None:
        rng = random.Random(100 * seed + worker)
        for _ in range(ROUNDS):
            async with busy.transaction(workspace_id) as tx:
                await hear(tx, workspace_id, a_batch(rng))

    async def answer() -> None:
        for _ in range(ROUNDS):
            async with busy.transaction(workspace_id) as tx:
                found, touches = await tag_touches.claim(tx, 500)
            mine = touches if found == workspace_id else []
            asked = frozenset(one.person_no for one in mine)
            async with busy.transaction(workspace_id) as tx:
                answers = [Answered(LIVELY, asked, frozenset(number for number in asked if number % 2))]
                await settle_tag_rules(tx, workspace_id, answers, now=at(0), received_at=at(0))
                await tag_touches.settle(tx, workspace_id, mine)
            await asyncio.sleep(0.02)

    await asyncio.gather(answer(), answer(), *(work(worker) for worker in range(WORKERS)))
    async with busy.transaction(workspace_id) as tx:
        await published_is_what_is_kept(tx)
        await channels_are_those_of_the_addresses(tx, workspace_id)


async def test_grants_that_end_beside_an_erasure_of_whoever_gave_them_wait_in_line(busy: Database) -> None:
    workspace_id = next(workspaces)
    people = {PersonKey(workspace_id, number) for number in (1, 2)}
    async with busy.transaction(workspace_id) as tx:
        await hear(tx, workspace_id, [owns(1, 1), owns(2, 2)])
        await consent_expiries.expect_expiries(tx, [(*person, at(-1)) for person in people])

    async def expire() -> set[PersonKey]:
        async with busy.transaction(workspace_id) as tx:
            return await expire_grants(tx, people, means=some_means())

    async with busy.transaction(workspace_id) as tx:
        await guard.hold_workspaces(tx, [workspace_id])
        expiring = asyncio.create_task(expire())
        await asyncio.sleep(0.1)
        await hear(tx, workspace_id, [erased(1, (1,))])
    assert await expiring == people - {PersonKey(workspace_id, 1)}
