"""What a service refuses of a database, and which queues requests may look into."""

import asyncio

import asyncpg
import pytest

from libs.common.db import Database, DurabilityOffError, statement
from libs.common.db.migrate import SERVICES
from libs.common.db.schema import CLAIM_QUEUE
from libs.common.ids import new_id

# Tables without row-level security that the role of requests may read, each with its reason in docs/adr/0013. All
# others are the workers' alone.
READABLE = {
    "*": {"workspace", "source", "api_key"},
    "identity": {"access_change", "match_look", "passed_over", "region_due"},
    "profile": {"consent_expiry", "refold_queue", "tag_touch", "tag_walk"},
    "segment": {"block", "round", "recompute", "squash"},
    "journey": {"run_timer"},
}
OPEN = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p') and obj_description(c.oid) like $2 || '%'
  and has_table_privilege($1 || '_app', c.oid, 'select')
"""


async def test_a_database_that_may_lose_commits_is_refused(database_of):
    database = await database_of("sample")
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute(f"alter role sample_app in database {database.name} set synchronous_commit = off")
    finally:
        await admin.close()
    with pytest.raises(DurabilityOffError, match="synchronous_commit"):
        await Database.open(database.url("app"), service="sample")


@pytest.mark.parametrize("service", SERVICES)
async def test_requests_look_into_no_queue_but_those_named_here(service, database_of):
    database = await database_of(service)
    admin = await asyncpg.connect(database.admin_url)
    try:
        found = {row["relname"] for row in await admin.fetch(OPEN, service, CLAIM_QUEUE)}
    finally:
        await admin.close()
    assert found == READABLE["*"] | READABLE.get(service, set())


async def test_a_thousand_interleaved_transactions_over_one_connection_leak_nothing(database_of):
    database = await database_of("sample")
    single = await Database.open(database.url("app"), service="sample", pool_size=1)
    count = statement("select count(*) as rows, min(workspace_id) as low, max(workspace_id) as high from note")
    add = statement("insert into note (workspace_id, note_id, body) values (:workspace_id, :note_id, '{}')")

    async def one(number: int) -> None:
        workspace_id = 1 + number % 3
        try:
            async with single.transaction(workspace_id) as tx:
                await tx.execute(add, workspace_id=workspace_id, note_id=new_id())
                row = await tx.fetch_one(count)
                assert row is not None
                assert (row["low"], row["high"]) == (workspace_id, workspace_id)
                if number % 7 == 0:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        async with single.transaction(()) as tx:
            nothing = await tx.fetch_one(count)
            assert nothing is not None
            assert nothing["rows"] == 0

    try:
        await asyncio.gather(*(one(number) for number in range(1_000)))
    finally:
        await single.close()
