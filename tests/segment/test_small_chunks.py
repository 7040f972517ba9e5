"""Members kept in large chunks are cut anew by the migration, of all workspaces, without losing anybody."""

import importlib

import asyncpg
from pyroaring import BitMap

from libs.common.ids import new_id
from services.segment.domain.world import CHUNK_BITS, chunk_of, chunks_of
from services.segment.store import memberships

migration = importlib.import_module("services.segment.migrations.versions.0006_small_chunks")
MEMBERS = BitMap([1, 2, 4095, 4096, 70_000, 70_001, 262_144])


async def test_large_chunks_become_small_ones_with_the_same_members(stage):
    segment_id = new_id()
    admin = await asyncpg.connect(stage.app.database.admin_url)
    try:
        for workspace_id in (1, 2):
            for chunk in (0, 1, 4):
                part = MEMBERS & BitMap(range(chunk << 16, (chunk + 1) << 16))
                await admin.execute(
                    "insert into segment.membership_chunk (workspace_id, segment_id, chunk, bitmap)"
                    " values ($1, $2, $3, $4)",
                    workspace_id, segment_id, chunk, part.serialize(),
                )  # fmt: skip
        await migration._cut_anew(admin)
        rows = await admin.fetch("select workspace_id, chunk, bitmap from segment.membership_chunk")
    finally:
        await admin.close()
    assert migration.CHUNK_BITS == CHUNK_BITS
    for row in rows:
        assert {person >> CHUNK_BITS for person in BitMap.deserialize(row["bitmap"])} == {row["chunk"]}
    for workspace_id in (1, 2):
        async with stage.app.runtime.worker_database.transaction(workspace_id) as tx:
            assert (await memberships.load(tx, workspace_id))[segment_id] == MEMBERS
            after = await memberships.members_after(tx, workspace_id, segment_id, person_no=4095, limit=3)
            assert after == [4096, 70_000, 70_001]


async def test_a_page_of_members_reads_a_few_chunks_however_many_come_behind_it(stage, monkeypatch):
    segment_id = new_id()
    members = BitMap([1, 5, *(number << CHUNK_BITS for number in range(1, 200, 3)), (200 << CHUNK_BITS) - 1])
    read = []
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        chunks = [(segment_id, number, chunk_of(members, number)) for number in chunks_of(members)]
        await memberships.save_chunks(tx, 1, chunks)
        fetch = tx.fetch

        async def listen(asked, **named):
            rows = await fetch(asked, **named)
            read.append(len(rows))
            return rows

        monkeypatch.setattr(tx, "fetch", listen, raising=False)
        for limit in (1, 2, 7, 40, len(members), 1000):
            after, found = 0, []
            while page := await memberships.members_after(tx, 1, segment_id, person_no=after, limit=limit):
                assert len(page) <= limit
                found += page
                after = page[-1]
            assert found == list(members), limit
    assert max(read) == memberships.CHUNKS_AT_ONCE < len(chunks)
