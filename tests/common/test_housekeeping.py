import asyncio
from dataclasses import replace

import pytest

from libs.common import housekeeping
from libs.common.db import statement
from libs.common.db.migrate import SERVICES
from libs.common.housekeeping import BATCH_ROWS, forget_settled
from libs.common.ids import new_id

KEY = """
insert into idempotency_key (workspace_id, route, key, body_hash, created_at)
select :workspace_id, 'r', :key || n, 'x', clock_timestamp() - make_interval(days => :days, mins => :minutes)
from generate_series(1, :count) n
"""
LETTER = """
insert into dead_letter (dead_letter_id, workspace_id, consumer, subject, event_id, event, reason, status, settled_at)
values (:id, :workspace_id, 'c', 's', :id, '{}', 'r', :status, clock_timestamp() - make_interval(days => :days))
"""
LEFT = "select (select count(*) from idempotency_key) as keys, (select count(*) from dead_letter) as letters"


async def know_workspaces(database):
    async with database.worker.transaction(()) as tx:
        for number in (1, 2):
            await tx.execute(
                statement("insert into workspace (workspace_id, key, name) values (:n, :key, 'x')"),
                n=number, key=f"w{number}",
            )  # fmt: skip


async def add_keys(database, key, workspace_id=1, days=0, minutes=0, count=1):
    async with database.worker.transaction(workspace_id) as tx:
        await tx.execute(
            statement(KEY), workspace_id=workspace_id, key=key, days=days, minutes=minutes, count=count
        )  # fmt: skip


async def add_letter(database, status, days, workspace_id=1):
    async with database.worker.transaction(workspace_id) as tx:
        await tx.execute(statement(LETTER), id=new_id(), workspace_id=workspace_id, status=status, days=days)


async def left(database):
    async with database.worker.transaction((0, 1, 2)) as tx:
        return tuple((await tx.fetch_one(statement(LEFT))).values())


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_forgets_old_answers_and_settled_dead_letters_of_all_workspaces(service, database_of):
    database = await database_of(service)
    await know_workspaces(database)
    for workspace_id in (0, 1, 2):
        await add_keys(database, "old", workspace_id, days=7, minutes=1)
        await add_keys(database, "young", workspace_id, days=6)
    for status in ("replayed", "discarded"):
        await add_letter(database, status, 31, workspace_id=2)
        await add_letter(database, status, 29)
    await add_letter(database, "open", None)
    assert await left(database) == (6, 5)
    assert await forget_settled(database.worker) == 5
    assert await left(database) == (3, 3)
    assert await forget_settled(database.worker) == 0


async def test_an_open_dead_letter_stays_however_old_it_is(database_of):
    database = await database_of("sample")
    await know_workspaces(database)
    await add_letter(database, "open", None)
    async with database.worker.transaction(1) as tx:
        await tx.execute(statement("update dead_letter set created_at = clock_timestamp() - interval '5 years'"))
    assert await forget_settled(database.worker) == 0
    assert await left(database) == (0, 1)


async def test_much_goes_in_batches_and_two_processes_share_the_work(database_of):
    database = await database_of("sample")
    await know_workspaces(database)
    await add_keys(database, "old", days=8, count=2 * BATCH_ROWS + 7)
    counts = await asyncio.gather(forget_settled(database.worker), forget_settled(database.worker))
    assert max(counts) <= BATCH_ROWS
    rounds = 0
    while await forget_settled(database.worker):
        rounds += 1
    assert rounds <= 3
    assert await left(database) == (0, 0)


async def test_a_running_service_forgets_by_itself_and_the_driven_clock_does_not_see_it(house, monkeypatch):
    monkeypatch.setattr(housekeeping, "job", replace(housekeeping.job, idle_seconds=0.05))
    app = await house.start("profile")
    assert housekeeping.job.name not in app.runtime.loops
    await add_keys(app.database, "old", days=8)
    await add_keys(app.database, "young")
    async with asyncio.timeout(60):
        while await left(app.database) != (1, 0):
            await asyncio.sleep(0.02)
