"""Migrations of a store that is large and at work: nothing long is done while others wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from libs.common.db.migrate import migrate
from tests.fixtures.postgres import PASSWORDS, ServiceDatabase, Templates

THROTTLED = (
    "create index concurrently held_link_throttled on identity.held_link (workspace_id, source_id)"
    " where state = 'throttled'"
)
INDEX = "select 'identity.held_link_throttled'::regclass::oid"
CHECKS = (
    "select conname from pg_constraint where not convalidated and conrelid = any(array["
    "'identity.held_link'::regclass, 'identity.policy_shadow'::regclass]) order by conname"
)
HELD = (
    "insert into identity.held_link (workspace_id, low_no, high_no, hold_id, state, reason, held_at)"
    " values (7, 1, 2, gen_random_uuid(), $1, $2, now())"
)


@asynccontextmanager
async def connected(database: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_store_at_work_is_migrated_while_others_write_evidence(templates: Templates) -> None:
    async with templates.clone("sample") as database, connected(database) as admin, connected(database) as writer:
        await migrate("identity", database.admin_url, passwords=PASSWORDS, revision="0014")
        await admin.execute(
            "insert into identity.workspace (workspace_id, key, name) values (7, 'a', 'A'), (8, 'b', 'B')"
        )
        await admin.execute(HELD, "held", "rate")
        await admin.execute(THROTTLED)
        made = await admin.fetchval(INDEX)
        async with writer.transaction():
            await writer.execute("lock table identity.evidence in row exclusive mode")
            await migrate("identity", database.admin_url, passwords=PASSWORDS)
        assert await admin.fetchval(INDEX) == made, "what was made beforehand is not made again"
        unread = [row["conname"] for row in await admin.fetch(CHECKS)]
        assert unread == ["held_link_reason_check", "held_link_state_check", "policy_shadow_state_check"]
        await admin.execute("update identity.held_link set state = 'throttled', reason = 'source_rate'")
        passes = await admin.fetch("select workspace_id, due_at <= now() as due from identity.renaming_queue")
        assert sorted(map(tuple, passes)) == [(7, False), (7, True), (8, False), (8, True)]
