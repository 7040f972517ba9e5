"""Three roles a service: the owner migrates, the app serves requests, the worker runs jobs and subscribers."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

ROLES = ("owner", "app", "worker")


async def ensure_roles(connection: AsyncConnection, service: str, passwords: Mapping[str, str]) -> None:
    """Create the service's roles where absent, and set the passwords given (keys of ROLES).

    The connection needs CREATEROLE. Roles without a password cannot log in over a network that asks for one.
    """
    owner, app, worker = (f"{service}_{role}" for role in ROLES)
    for role in (owner, app, worker):
        # racing starts: the loser of the race finds the role there
        await connection.exec_driver_sql(
            f"do $$ begin create role {role} login noinherit; "
            "exception when duplicate_object or unique_violation then null; end $$"
        )
    await connection.exec_driver_sql(f"alter role {worker} inherit")
    await connection.exec_driver_sql(f"grant {app} to {worker}")
    for role, password in passwords.items():
        if role not in ROLES:
            raise ValueError(f"unknown role {role!r}")
        # ALTER ROLE takes no parameters: quote_literal makes the password safe
        quoted = (await connection.exec_driver_sql("select quote_literal($1::text)", (password,))).scalar_one()
        await connection.exec_driver_sql(f"alter role {service}_{role} password {quoted}")


async def ensure_schema(connection: AsyncConnection, service: str) -> None:
    """Create the service's schema, owned by its owner role; nobody else may create or look into it."""
    owner, app, _worker = (f"{service}_{role}" for role in ROLES)
    for command in (
        f"create schema if not exists {service} authorization {owner}",
        f"grant usage on schema {service} to {app}",
        "revoke create on schema public from public",
        f"alter default privileges for role {owner} in schema {service} grant usage on sequences to {app}",
    ):
        await connection.exec_driver_sql(command)
