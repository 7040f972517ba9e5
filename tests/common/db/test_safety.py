"""What a service refuses of a database, and which queues requests may look into."""

import asyncpg
import pytest

from libs.common.db import Database, DurabilityOffError
from libs.common.db.migrate import SERVICES
from libs.common.db.schema import CLAIM_QUEUE

# Tables without row-level security that the role of requests may read, each with its reason in docs/adr/0013. All
# others are the workers' alone.
READABLE = {
    "*": {"workspace", "source", "api_key"},
    "identity": {"access_change", "passed_over", "region_due"},
    "profile": {"consent_expiry", "refold_queue"},
    "segment": {"block", "round", "recompute"},
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
