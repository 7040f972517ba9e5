"""Transactions, row-level security and statements on a real PostgreSQL."""

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from sqlalchemy import column, insert, select, table
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db import Tx, statement
from libs.common.ids import new_id

INSERT = statement("insert into note (workspace_id, note_id, body) values (:workspace, :note_id, :body)")
COUNT = statement("select count(*) from note")
NOTE = table("note", column("workspace_id"), column("note_id"), column("body", JSONB))


async def add_note(tx: Tx, workspace: int, body: object = None) -> None:
    assert await tx.execute(INSERT, workspace=workspace, note_id=new_id(), body=body or {}) == 1


@pytest.fixture
async def database(database_of):
    return await database_of("sample")


async def test_a_transaction_sees_only_its_workspaces(database):
    async with database.app.transaction([1, 2]) as tx:
        await add_note(tx, 1)
        await add_note(tx, 2)
    for workspaces, seen in ((1, 1), ([1, 2], 2), (3, 0), ([], 0)):
        async with database.app.transaction(workspaces) as tx:
            assert await tx.fetch_value(COUNT) == seen


async def test_a_row_of_another_workspace_cannot_be_written(database):
    with pytest.raises(InsufficientPrivilegeError):
        async with database.app.transaction(1) as tx:
            await add_note(tx, 2)


async def test_core_and_the_driver_share_the_transaction(database):
    body = {"price": 12.5, "name": "张伟", "list": [1, None]}

    async def write_and_fail():
        async with database.app.transaction(1) as tx:
            await add_note(tx, 1, body)
            await tx.connection.execute(insert(NOTE).values(workspace_id=1, note_id=new_id(), body=body))
            rows = (await tx.connection.execute(select(NOTE.c.body))).all()
            assert [row.body for row in rows] == [body, body]
            assert [row["body"] for row in await tx.fetch(statement("select body from note"))] == [body, body]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    async with database.app.transaction(1) as tx:
        assert await tx.fetch_value(COUNT) == 0


async def test_a_session_sees_its_workspaces_without_a_transaction_and_leaves_nothing(database):
    held = statement(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend' and (backend_xid is not null or state = 'idle in transaction')"
    )
    async with database.app.transaction([1, 2]) as tx:
        await add_note(tx, 1)
        await add_note(tx, 2)
    async with database.app.session(1) as session:
        await session.execute(statement("create temporary table found as select note_id from note"))
        assert await session.fetch_value(statement("select count(*) from found")) == 1
        await add_note(session, 1)
        async with database.app.transaction(1) as tx:
            assert await tx.fetch_value(COUNT) == 2, "what is written stands at once"
            assert await tx.fetch_value(held) == 0
    async with database.app.transaction([]) as tx:
        assert await tx.fetch_value(statement("select to_regclass('pg_temp.found')::text")) is None
    async with database.app.engine.connect() as connection:
        text = "select current_setting('app.workspaces', true)"
        assert not (await connection.exec_driver_sql(text)).scalar()


async def test_a_transaction_by_index_reads_no_small_table_whole_and_the_next_one_is_free(database):
    found = statement(
        "explain select n.* from unnest(:ids::uuid[]) w join note n on n.workspace_id = 1 and n.note_id = w"
    )

    async def is_read_whole(tx: Tx) -> bool:
        return any("Seq Scan" in row[0] for row in await tx.fetch(found, ids=[new_id() for _ in range(100)]))

    async def plan_and_fail(tx: Tx) -> None:
        async with tx.savepoint():
            await tx.plan_by_index()
            raise ZeroDivisionError

    async with database.app.transaction(1) as tx:
        for _ in range(3):
            await add_note(tx, 1)
        assert await is_read_whole(tx)
        with pytest.raises(ZeroDivisionError):
            await plan_and_fail(tx)
        assert await is_read_whole(tx), "what a savepoint undoes is undone"
        for _ in range(2):
            await tx.plan_by_index()
            assert not await is_read_whole(tx)
    async with database.app.transaction(1) as tx:
        assert await is_read_whole(tx)
    async with database.app.transaction(1, by_index=True) as tx:
        assert not await is_read_whole(tx)


async def test_a_snapshot_sees_one_moment_and_the_next_transaction_does_not(database):
    counted = statement("select count(*) from note")
    async with database.app.transaction(1) as tx:
        await add_note(tx, 1)
    for snapshot, seen in ((True, 1), (False, 3)):
        async with database.app.transaction(1, snapshot=snapshot) as tx:
            before = await tx.fetch_value(counted)
            async with database.app.transaction(1) as other:
                await add_note(other, 1)
            assert await tx.fetch_value(counted) == seen
            assert before == (1 if snapshot else 2)


async def test_a_savepoint_undoes_only_its_block(database):
    async with database.app.transaction(1) as tx:
        await add_note(tx, 1)
        with pytest.raises(InsufficientPrivilegeError):
            async with tx.savepoint():
                await add_note(tx, 2)
        await add_note(tx, 1)
    async with database.app.transaction(1) as tx:
        assert await tx.fetch_value(COUNT) == 2


async def test_workspaces_that_are_seen_in_a_block_that_fails_can_be_seen_afterwards(database):
    async def see_and_fail(tx: Tx) -> None:
        async with tx.savepoint():
            await tx.see([1])
            assert await tx.fetch_value(COUNT) == 1
            raise ZeroDivisionError

    async with database.app.transaction(1) as tx:
        await add_note(tx, 1)
    async with database.app.transaction([]) as tx:
        with pytest.raises(ZeroDivisionError):
            await see_and_fail(tx)
        assert await tx.fetch_value(COUNT) == 0
        for _ in range(2):
            await tx.see([1])
            assert await tx.fetch_value(COUNT) == 1
        await tx.see([2])
        assert await tx.fetch_value(COUNT) == 0


async def test_calls_after_commit_are_made_only_after_a_commit(database):
    calls = []
    async with database.app.transaction(1) as tx:
        tx.after_commit(lambda: calls.append("done"))
        assert calls == []

    async def call_and_fail():
        async with database.app.transaction(1) as tx:
            tx.after_commit(lambda: calls.append("never"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await call_and_fail()
    assert calls == ["done"]


async def test_the_workspaces_do_not_leak_over_a_pooled_connection(database):
    async with database.app.transaction(1) as tx:
        await add_note(tx, 1)
    async with database.app.engine.connect() as connection:
        assert (await connection.exec_driver_sql("select count(*) from note")).scalar_one() == 0


async def test_a_transaction_outlives_a_restart_of_the_server(database, postgres):
    async with database.app.transaction(1) as tx:
        await add_note(tx, 1)
    postgres.stop(immediate=True)
    postgres.start()
    async with database.app.transaction(1) as tx:
        assert await tx.fetch_value(COUNT) == 1


async def test_the_app_role_cannot_read_a_claim_queue(database):
    async with database.app.transaction(1) as tx:
        with pytest.raises(InsufficientPrivilegeError):
            async with tx.savepoint():
                await tx.fetch(statement("select * from outbox_queue"))
    async with database.worker.transaction(()) as tx:
        assert await tx.fetch(statement("select * from outbox_queue")) == []


async def test_what_is_left_for_the_end_is_done_at_once_right_before_the_commit(database):
    done = []

    async def work(tx, items):
        done.append((list(items), await tx.fetch_value(COUNT)))
        await add_note(tx, 1)

    async def leave_and_fail(tx):
        async with tx.savepoint():
            tx.before_commit(work, "undone")
            raise ZeroDivisionError

    async with database.app.transaction(1) as tx:
        tx.before_commit(work, "one")
        with pytest.raises(ZeroDivisionError):
            await leave_and_fail(tx)
        await add_note(tx, 1)
        tx.before_commit(work, "two")
        assert done == []
    assert done == [(["one", "two"], 1)]
    async with database.app.transaction(1) as tx:
        assert await tx.fetch_value(COUNT) == 2


async def test_what_is_left_for_the_end_is_not_done_when_the_transaction_fails(database):
    done = []

    async def work(_tx, items):
        done.extend(items)

    async def leave_and_fail():
        async with database.app.transaction(1) as tx:
            tx.before_commit(work, "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave_and_fail()
    assert done == []
