"""Batches of every kind at once: nobody waits in a circle, and the rows are those of one after the other."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio

from libs.common.db import Database, Tx, statement
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import Tag
from services.profile.store import consent_expiries, guard, tag_touches, tags
from services.profile.store.tag_touches import TagTouch
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


async def a_workspace(busy: Database) -> int:
    """Return the number of a new workspace where a rule streams."""
    workspace_id = next(workspaces)
    async with busy.transaction(workspace_id) as tx:
        await tx.execute(
            statement("insert into workspace (workspace_id, key, name) values (:w, :key, 'x')"),
            w=workspace_id, key=f"w{workspace_id}",
        )  # fmt: skip
        await tags.save(tx, workspace_id, LIVELY, START)
    return workspace_id


async def some_touches(busy: Database, workspace_id: int) -> dict[int, TagTouch]:
    """Have persons 1 to 5 touched, and lease them."""
    async with busy.transaction(workspace_id) as tx:
        await touch(tx, workspace_id, range(1, 6))
    return await leased(busy, workspace_id)


async def touch(tx: Tx, workspace_id: int, numbers: Iterable[int]) -> None:
    await tag_touches.touch(tx, [PersonKey(workspace_id, number) for number in numbers], received_at=at(0))


async def leased(busy: Database, workspace_id: int) -> dict[int, TagTouch]:
    """Lease who is due, in whichever workspace, and return who is of this one."""
    mine: dict[int, TagTouch] = {}
    found = -1
    while found:
        async with busy.transaction(()) as tx:
            found, touches = await tag_touches.claim(tx, 500)
        mine |= {one.person_no: one for one in touches if found == workspace_id}
    return mine


@pytest.mark.parametrize("seed", range(3))
async def test_batches_at_once_never_wait_in_a_circle(busy: Database, seed: int) -> None:
    workspace_id = await a_workspace(busy)
    async with busy.transaction(workspace_id) as tx:
        await tags.save(tx, workspace_id, KEEN, START)

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


async def test_who_is_settled_is_done_with_and_who_was_touched_meanwhile_is_free_again(busy: Database) -> None:
    workspace_id = await a_workspace(busy)
    touches = await some_touches(busy, workspace_id)
    async with busy.transaction(workspace_id) as tx:
        await touch(tx, workspace_id, [2])
    assert set(await leased(busy, workspace_id)) == set()
    async with busy.transaction(workspace_id) as tx:
        await tag_touches.settle(tx, workspace_id, [touches[1], touches[2], touches[3]])
        await touch(tx, workspace_id, [3, 6])
    # 1 is answered, 2 was touched before the answer, 3 by the answer itself, 6 is new; 4 and 5 are leased
    assert set(await leased(busy, workspace_id)) == {2, 3, 6}


async def test_who_is_forgotten_is_not_asked_about_even_if_he_is_touched(busy: Database) -> None:
    workspace_id = await a_workspace(busy)
    await some_touches(busy, workspace_id)
    async with busy.transaction(workspace_id) as tx:
        await touch(tx, workspace_id, [1, 2, 7])
        await tag_touches.forget(tx, [PersonKey(workspace_id, number) for number in (1, 3, 7)])
    async with busy.transaction(workspace_id) as tx:
        rows = await tx.fetch(
            statement("select person_no, tags from tag_touch where workspace_id = :w order by person_no"),
            w=workspace_id,
        )
    assert [(row["person_no"], list(row["tags"])) for row in rows] == [(number, ["*"]) for number in (2, 4, 5)]


async def test_who_answers_and_who_touches_do_not_wait_for_each_other(busy: Database) -> None:
    workspace_id = await a_workspace(busy)
    touches = await some_touches(busy, workspace_id)

    async def touch_both() -> None:
        async with busy.transaction(workspace_id) as tx:
            await touch(tx, workspace_id, [3, 5])

    async with busy.transaction(workspace_id) as tx:
        await tag_touches.settle(tx, workspace_id, [touches[5]])
        await touch(tx, workspace_id, [3])
        await asyncio.wait_for(touch_both(), 60)
    assert set(await leased(busy, workspace_id)) == {5}


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
