"""What a service keeps for a while and then forgets: the same in all five."""

from typing import Any

from libs.common.db import Database, statement
from libs.common.jobs import Job
from libs.common.runtime import Runtime

IDEMPOTENCY_KEY_DAYS = 7
SETTLED_DEAD_LETTER_DAYS = 30
BATCH_ROWS = 1000
PAUSE_SECONDS = 3600.0

# workspace 0: what the installation's administrator asked for outside any workspace
_WORKSPACES = statement("select workspace_id from workspace union select 0")
_KEYS = statement("""
delete from idempotency_key where (workspace_id, route, key) in (
    select workspace_id, route, key from idempotency_key
    where created_at < clock_timestamp() - make_interval(days => :days)
    order by created_at limit :limit for update skip locked
)
""")
_DEAD_LETTERS = statement("""
delete from dead_letter where dead_letter_id in (
    select dead_letter_id from dead_letter
    where status <> 'open' and settled_at < clock_timestamp() - make_interval(days => :days)
    limit :limit for update skip locked
)
""")
_ROUNDS = ((_KEYS, IDEMPOTENCY_KEY_DAYS), (_DEAD_LETTERS, SETTLED_DEAD_LETTER_DAYS))


async def forget_settled(database: Database) -> int:
    """Delete one batch of idempotency keys and of settled dead letters past their days by the database's own time.

    Needs the worker role. Returns how many rows went; 0 when all is done. Several processes may do it at once.
    """
    gone = 0
    async with database.transaction(()) as tx:
        await tx.see(row["workspace_id"] for row in await tx.fetch(_WORKSPACES))
        for delete, days in _ROUNDS:
            gone += await tx.execute(delete, days=days, limit=BATCH_ROWS)
    return gone


async def _run(runtime: Runtime[Any]) -> int:
    return await forget_settled(runtime.worker_database)


job = Job(name="forget_settled", run=_run, idle_seconds=PAUSE_SECONDS)
