"""For migration files: run hand-written SQL as it stands."""

from typing import Any

from alembic import op


def execute(*scripts: str) -> None:
    """Run scripts of one or more statements, unparsed: colons and percent signs mean nothing here."""
    dbapi_connection: Any = op.get_bind().connection.dbapi_connection
    for script in scripts:
        dbapi_connection.run_async(lambda driver, script=script: driver.execute(script))
