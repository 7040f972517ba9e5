"""Columnar inserts are exactly once by block, wherever the process dies."""

import asyncio

import pytest

from libs.common.db import statement
from libs.common.ids import new_id
from services.segment.store import rebuilds, staging
from services.segment.usecases.insert_blocks import insert_blocks
from tests.segment.columnar import a_columnar_store

WORKSPACE = 1
SECOND = "update segment.block set inserted_at = null where workspace_id = 1"


class Died(Exception):
    """The process ends here."""


@pytest.fixture
async def database(database_of):
    return (await database_of("segment")).worker


@pytest.fixture
async def store(tmp_path):
    async with a_columnar_store(tmp_path) as made:
        yield made


class Sealer:
    def open(self, sealed):
        return sealed


def lines(count):
    from datetime import UTC, datetime

    from services.segment.store.rows import event_row

    at = datetime(2024, 1, 1, tzinfo=UTC)
    return b"\n".join(
        event_row(
            workspace_id=WORKSPACE, name="e", person_no=number, subject_no=number, event_time=at, received_at=at,
            event_id=new_id(), origin="collected", source_id=1, properties={},
        )
        for number in range(count)
    )  # fmt: skip


async def stage_some(database, count):
    async with database.transaction(WORKSPACE) as tx:
        await staging.stage(tx, WORKSPACE, "event", lines(count), rows=count, event_ids=[])


async def insert(database, store):
    return await insert_blocks(database, store, workspace_id=WORKSPACE, sealer=Sealer())


async def stored(store):
    (row,) = await store.rows("select count() as n, uniqExact(event_id) as ids from event", {})
    assert row["n"] == row["ids"]
    return row["n"]


async def test_what_is_staged_goes_in_once_and_leaves_postgresql(database, store):
    for count in (3, 4, 5):
        await stage_some(database, count)
    assert await insert(database, store) == 1, "many batches are one block"
    assert await stored(store) == 12
    assert await insert(database, store) == 0
    async with database.transaction(WORKSPACE) as tx:
        assert await tx.fetch_value(statement("select count(*) from segment.staged")) == 0


@pytest.mark.parametrize("point", ["before the insert", "after the insert", "after the insert, twice"])
async def test_a_crash_between_cut_and_settle_sends_the_identical_block_again(database, store, monkeypatch, point):
    await stage_some(database, 10)
    real_insert = store.insert

    async def dies(table, block, *, token):
        if point != "before the insert":
            await real_insert(table, block, token=token)
        raise Died

    for _ in range(2 if point.endswith("twice") else 1):
        monkeypatch.setattr(store, "insert", dies)
        with pytest.raises(Died):
            await insert(database, store)
        monkeypatch.setattr(store, "insert", real_insert)
        await stage_some(database, 5)  # comes in meanwhile; must not join the block that is cut
    expected = 10 + (10 if point.endswith("twice") else 5)
    await insert(database, store)
    assert await stored(store) == expected


async def test_a_crash_after_the_insert_and_before_the_settle_doubles_nothing(database, store, monkeypatch):
    await stage_some(database, 10)

    async def dies(tx, workspace_id, block_no):
        raise Died

    monkeypatch.setattr("services.segment.usecases.insert_blocks.settle_block", dies)
    with pytest.raises(Died):
        await insert(database, store)
    monkeypatch.undo()
    assert await stored(store) == 10
    assert await insert(database, store) == 1
    assert await stored(store) == 10


async def test_the_token_is_remembered_when_the_store_is_opened_again(database, tmp_path, monkeypatch):
    await stage_some(database, 10)

    async def dies(tx, workspace_id, block_no):
        raise Died

    async with a_columnar_store(tmp_path) as first:
        monkeypatch.setattr("services.segment.usecases.insert_blocks.settle_block", dies)
        with pytest.raises(Died):
            await insert(database, first)
        monkeypatch.undo()
    async with a_columnar_store(tmp_path) as second:
        await insert(database, second)
        assert await stored(second) == 10


async def test_what_is_staged_while_a_rebuild_begins_goes_in_after_the_wipe(database, store):
    await stage_some(database, 10)
    async with database.transaction(WORKSPACE) as beginning:
        await staging.forget_staged(beginning, WORKSPACE)
        inserting = asyncio.create_task(insert(database, store))
        await asyncio.sleep(0.2)
        assert not inserting.done()
        # asked for and begun after the other one had set out: it must not believe what it saw then
        await rebuilds.request(beginning, [WORKSPACE], reason="a test")
        await stage_some(database, 3)
    assert await inserting is None
    (rebuild,) = await open_rebuilds(database)
    await store.wipe(WORKSPACE)
    async with database.transaction(WORKSPACE) as tx:
        await rebuilds.note_wiped(tx, rebuild.rebuild_id)
    assert await insert(database, store) == 1
    assert await stored(store) == 3


async def open_rebuilds(database):
    async with database.transaction(WORKSPACE) as tx:
        return await rebuilds.open_rebuilds(tx)


async def test_personal_values_lie_in_no_file_in_clear(tmp_path):
    from datetime import UTC, datetime

    from services.segment.store.rows import trait_row

    at = datetime(2024, 1, 1, tzinfo=UTC)
    row = trait_row(workspace_id=1, name="email", person_no=1, version=1, since=at, value="canary@example.com")
    async with a_columnar_store(tmp_path) as opened:
        await opened.insert("personal_trait", row, token="1")
        found = await opened.rows("select text from personal_trait where match(text, 'canary@')", {})
        assert found == [{"text": "canary@example.com"}]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"canary" in path.read_bytes()]
