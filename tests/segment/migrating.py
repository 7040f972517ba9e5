"""Run a migration once more, on a database that has it, as the role that runs migrations."""

from types import ModuleType

import asyncpg
import pytest

from tests.segment.stage import Stage


async def upgrade_again(stage: Stage, migration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the owner, whom row-level security binds, run the scripts of a migration in one transaction."""
    scripts: list[str] = []
    monkeypatch.setattr(migration, "execute", lambda *given: scripts.extend(given))
    migration.upgrade()
    owner = await asyncpg.connect(stage.app.database.url("owner"))
    try:
        async with owner.transaction():
            for script in scripts:
                await owner.execute(script)
    finally:
        await owner.close()
