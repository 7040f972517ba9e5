"""Nobody waits in a circle: whoever touches persons and their messages beside a merge takes them in the same order."""

import asyncio
from collections.abc import Awaitable, Coroutine
from random import Random
from typing import Any
from uuid import UUID

from libs.common.db import Database
from libs.common.ids import new_id
from libs.common.sides import Departure, Pointer
from services.messaging.jobs import send_due_messages
from services.messaging.store.handoffs import Report
from services.messaging.store.inbox_messages import InboxRow, add_inbox_messages
from services.messaging.store.persons import lock_persons
from services.messaging.subscribers import on_person_erased
from services.messaging.usecases.follow_graph import follow_graph
from services.messaging.usecases.record_reports import record_reports
from services.messaging.usecases.unsubscribe_person import unsubscribe_person
from tests.messaging.stage import Stage
from tests.messaging.test_persons import an_erasure, rounds
from tests.messaging.test_workers import workers

TURNS = 40
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def until_waiting(database: Database, count: int) -> None:
    """Return when so many transactions wait for another's lock."""
    async with asyncio.timeout(60):
        while True:
            async with database.transaction(()) as tx:
                if await tx.driver.fetchval(WAITING) >= count:
                    return
            await asyncio.sleep(0.01)


async def begun(work: Coroutine[Any, Any, Any], database: Database, waiting: int) -> Awaitable[Any]:
    task = asyncio.create_task(work)
    await until_waiting(database, waiting)
    return task


async def test_an_unsubscription_beside_a_merge_of_his_and_a_senders_lock_waits_in_line(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    message = await stage.ask(5, "push")
    await rounds(stage)
    database = stage.app.runtime.worker_database

    async def unsubscribe() -> bool:
        async with database.transaction(1) as tx:
            return await unsubscribe_person(tx, 1, message, "push", withdrawal_id=new_id(), now=stage.now)

    async def send() -> None:
        async with database.transaction(1) as tx:
            await lock_persons(tx, 1, [3])
            await asyncio.sleep(0.1)  # as between two rows of one statement, only longer
            await lock_persons(tx, 1, [5])

    async with database.transaction(1) as tx:
        await follow_graph(tx, 1, [Pointer(3, 0, 1), Pointer(5, 3, 1)])
        unsubscribing = await begun(unsubscribe(), database, 1)
        sending = await begun(send(), database, 2)
    done, _ = await asyncio.gather(unsubscribing, sending)
    assert done
    async with database.transaction(1) as tx:
        assert await tx.driver.fetchval("select person_no from withdrawal") == 3


async def messages_of_two(stage: Stage) -> list[UUID]:
    """Give messages of persons 1 and 2 that were handed over, lying in no order."""
    stage.provider("push")
    found = [await stage.ask(person_no, "push") for person_no in (1, 2) * 10]
    await rounds(stage)
    shuffled = Random(1).sample(found, len(found))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        for message in shuffled:
            await tx.driver.execute("update intent set attempts = attempts where intent_id = $1", message)
    return shuffled


async def merge_and_part(database: Database, first_version: int) -> None:
    for turn in range(TURNS):
        version = first_version + 2 * turn
        async with database.transaction(1) as tx:
            await follow_graph(tx, 1, [Pointer(1, 0, version), Pointer(2, 1, version)])
        async with database.transaction(1) as tx:
            parted = [Pointer(2, 0, version + 1)]
            await follow_graph(tx, 1, parted, [Departure(1, 2, frozenset({5}))])


async def test_what_reaches_inboxes_while_persons_merge_and_part_never_waits_in_a_circle(idle_stage: Stage) -> None:
    stage = idle_stage
    messages = await messages_of_two(stage)

    async def fill(database: Database) -> None:
        for turn in range(TURNS):
            async with database.transaction(1) as tx:
                await add_inbox_messages(tx, [a_row(stage, message) for message in messages[turn % 4 :]])
            async with database.transaction(1) as tx:
                await tx.driver.execute("delete from inbox_message")

    async with workers(stage, 3) as runtimes:
        one, two, three = (runtime.worker_database for runtime in runtimes)
        await asyncio.gather(fill(one), fill(two), merge_and_part(three, 1))


async def test_reports_in_any_order_while_persons_merge_and_part_never_wait_in_a_circle(idle_stage: Stage) -> None:
    stage = idle_stage
    messages = await messages_of_two(stage)

    async def report(database: Database, seed: int) -> None:
        for turn in range(TURNS):
            async with database.transaction(1) as tx:
                reports = [
                    Report(intent_id=message, channel="push", state="clicked", link=f"{seed} {turn}", at=stage.now)
                    for message in Random(seed + turn).sample(messages, 6)
                ]
                await record_reports(tx, 1, reports, now=stage.now)

    async with workers(stage, 3) as runtimes:
        one, two, three = (runtime.worker_database for runtime in runtimes)
        await asyncio.gather(report(one, 1), report(two, 1001), merge_and_part(three, 1))


def a_row(stage: Stage, message: UUID, person_no: int = 1) -> InboxRow:
    return InboxRow(
        workspace_id=1, intent_id=message, person_no=person_no, content_sealed="", created_at=stage.now, expires_at=None
    )


async def test_what_was_on_its_way_to_the_inbox_of_somebody_erased_meanwhile_is_kept_nowhere(idle_stage: Stage) -> None:
    stage = idle_stage
    message = await stage.ask(1, "inbox")
    await send_due_messages.run(stage.app.runtime)
    await stage.hear(on_person_erased.handle, an_erasure(stage, 1))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await add_inbox_messages(tx, [a_row(stage, message)])
        assert await tx.driver.fetchval("select count(*) from inbox_message") == 0
