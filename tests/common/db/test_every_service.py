"""What holds for the schema and the SQL of every service, enumerated from the migrated databases."""

from pathlib import Path

import pytest

from libs.common.db.migrate import SERVICES, is_at_head, migrate
from libs.common.db.schema import CLAIM_QUEUE
from libs.common.db.statement import compile_sql
from tests.fixtures.postgres import PASSWORDS

ROOT = Path(__file__).parents[3]

TABLES = """
select c.relname, c.relrowsecurity, c.relforcerowsecurity, obj_description(c.oid) as comment,
       exists (select from pg_policy p where p.polrelid = c.oid) as has_policy
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
"""
OWNED = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) <> $1 || '_owner'
"""
REACHABLE = """
select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($2::text[]) and c.relkind in ('r', 'p') and has_table_privilege($1, c.oid, 'select')
"""


def migrated_services():
    return [name for name in SERVICES if list((ROOT / "services" / name / "migrations/versions").glob("*.py"))]


@pytest.fixture(params=migrated_services())
async def database(request, database_of):
    return await database_of(request.param)


async def admin_fetch(database, sql, *arguments):
    import asyncpg

    connection = await asyncpg.connect(database.admin_url)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def test_every_table_of_workspaces_has_forced_row_level_security_or_is_a_claim_queue(database):
    tables = await admin_fetch(database, TABLES, database.service)
    assert len(tables) > 5
    open_tables = [
        row["relname"]
        for row in tables
        if not (row["relrowsecurity"] and row["relforcerowsecurity"] and row["has_policy"])
        and not (row["comment"] or "").startswith(CLAIM_QUEUE)
    ]
    assert open_tables == []


async def test_the_application_role_owns_nothing(database):
    assert await admin_fetch(database, OWNED, database.service) == []


async def test_partitions_are_reached_only_under_row_level_security(database):
    partitions = await admin_fetch(
        database,
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 "
        "and c.relispartition and c.relkind = 'r' and has_table_privilege($1 || '_app', c.oid, 'select') "
        "and not c.relforcerowsecurity",
        database.service,
    )
    assert partitions == []


async def test_every_sql_file_can_be_prepared(database):
    files = sorted((ROOT / "services" / database.service).rglob("*.sql"))
    files += sorted((ROOT / "libs/common").rglob("*.sql"))
    broken = {}
    async with database.worker.transaction(1) as tx:
        for path in files:
            if path.name == "common_tables.sql" or not _is_postgres(path):
                continue
            try:
                async with tx.savepoint():
                    await tx.driver.prepare(compile_sql(path.read_text()).text)
            except Exception as error:  # noqa: BLE001 - each file's own complaint is the answer
                broken[str(path.relative_to(ROOT))] = f"{type(error).__name__}: {error}"
    assert broken == {}


def _is_postgres(path):
    """Statements of the columnar store lie in rooms named after it or say so in their first line."""
    return "columnar" not in path.parts and "clickhouse" not in path.read_text().split("\n", 1)[0].lower()


async def test_the_app_role_may_ask_whether_the_schema_is_at_head(database):
    async with database.app.transaction(()) as tx:
        assert await is_at_head(tx.connection, database.service)


async def test_migrating_again_changes_nothing(database):
    await migrate(database.service, database.admin_url, passwords=PASSWORDS)
    await migrate(database.service, database.url("owner"))


async def test_no_role_reaches_into_another_services_schema(templates):
    import asyncpg

    async with templates.clone("sample") as database:
        services = migrated_services()
        for service in services:
            await migrate(service, database.admin_url, passwords=PASSWORDS)
        connection = await asyncpg.connect(database.admin_url)
        try:
            for service in services:
                others = [name for name in [*services, "sample"] if name != service]
                for role in ("owner", "app", "worker"):
                    assert await connection.fetch(REACHABLE, f"{service}_{role}", others) == []
        finally:
            await connection.close()
