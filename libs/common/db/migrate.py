"""Bring a service's schema to its newest version: `python -m libs.common.db.migrate <service>|all`."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from libs.common.db.roles import ensure_roles, ensure_schema

SERVICES = ("identity", "profile", "segment", "journey", "messaging")
_ROOT = Path(__file__).parents[3]


async def migrate(
    service: str,
    admin_url: str,
    *,
    passwords: Mapping[str, str] | None = None,
    versions: Path | None = None,
    revision: str = "head",
) -> None:
    """Create the service's roles and schema where absent, then run its migrations as the owner role.

    `admin_url` names a role that may create roles (or the owner itself, when roles and schema are there).
    `passwords` maps "owner", "app", "worker" to their passwords. Two starts at once run one after the other.
    """
    engine = create_async_engine(make_url(admin_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("select pg_advisory_xact_lock(7261, hashtext('migrate'))")
            await _become_owner(connection, service, passwords or {})
            await connection.exec_driver_sql("set local lock_timeout = '5s'")
            await connection.exec_driver_sql(f"set local search_path = {service}")
            await connection.run_sync(_upgrade, service, versions, revision)
    finally:
        await engine.dispose()


async def is_at_head(connection: AsyncConnection, service: str, versions: Path | None = None) -> bool:
    """Tell whether the schema has this code's newest migration (asked by /ready; the app role may read it)."""
    head = ScriptDirectory.from_config(_config(service, versions)).get_current_head()
    result = await connection.exec_driver_sql(f"select version_num from {service}.alembic_version")
    return result.scalar_one_or_none() == head


async def _become_owner(connection: AsyncConnection, service: str, passwords: Mapping[str, str]) -> None:
    user = (await connection.exec_driver_sql("select current_user::text")).scalar_one()
    owner = f"{service}_owner"
    if user == owner:
        return
    await ensure_roles(connection, service, passwords)
    # a managed server's admin is no superuser: it may become the owner only as a member of it
    await connection.exec_driver_sql(f'grant {owner} to "{user}"')
    await ensure_schema(connection, service)
    await connection.exec_driver_sql(f"set local role {owner}")


def _config(service: str, versions: Path | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "environment"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions or _ROOT / "services" / service / "migrations/versions"))
    return config


def _upgrade(connection: Connection, service: str, versions: Path | None, revision: str) -> None:
    config = _config(service, versions)
    config.attributes["connection"] = connection
    config.attributes["service"] = service
    command.upgrade(config, revision)
    context = MigrationContext.configure(connection, opts={"version_table_schema": service})
    if context.get_current_revision() is not None:
        connection.exec_driver_sql(f"grant select on {service}.alembic_version to {service}_app")


async def _main(arguments: list[str]) -> None:
    environment = os.environ  # noqa: TID251 - a command's own settings, not a service's
    admin_url = environment["RAPPORT_ADMIN_DATABASE_URL"]
    for service in SERVICES if arguments == ["all"] else arguments:
        prefix = service.upper()
        passwords = {
            role: environment[f"{prefix}_{role.upper()}_PASSWORD"]
            for role in ("owner", "app", "worker")
            if f"{prefix}_{role.upper()}_PASSWORD" in environment
        }
        await migrate(service, admin_url, passwords=passwords)
        print(f"{service}: at head")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[1:]) <= {*SERVICES, "all"}:
        sys.exit("usage: python -m libs.common.db.migrate <service>... | all")
    asyncio.run(_main(sys.argv[1:]))
