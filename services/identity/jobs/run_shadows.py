"""Shadow runs of policies, one at a time, under a lease and without a transaction."""

import logging
from typing import Any

from libs.common.bus.transient import is_transient
from libs.common.jobs import Job
from libs.common.leasing import LeaseLostError, under_lease
from libs.common.runtime import Runtime
from services.identity.store import shadows
from services.identity.store.leases import RENEW_SECONDS
from services.identity.store.shadows import ShadowRow, queue
from services.identity.usecases.run_shadow import run_shadow

log = logging.getLogger(__name__)

MOST_TIMES = 3
"""So many times a run is tried: one that fails, or ends its process, every time must not be tried for ever."""


async def run(runtime: Runtime[Any]) -> int:
    """Take the oldest run; return 1 when there was one. One whose worker dies is another's when its lease ends."""
    async with runtime.worker_database.transaction([]) as tx:
        claimed = await queue.claim(tx)
        if claimed is None:
            return 0
        await runtime.directory.ensure_workspaces(claimed[:1])
        await tx.see(claimed[:1])
        await queue.begin(tx, *claimed)
        shadow = await shadows.find(tx, *claimed)
        if shadow is None:
            await queue.end(tx, *claimed)
            return 1
    try:
        await _make(runtime, shadow)
    except LeaseLostError:
        log.warning("a shadow run took too long between two signs of life", extra={"shadow": str(shadow.shadow_id)})
    except BaseException as error:
        counts = isinstance(error, Exception) and not is_transient(error)
        async with runtime.worker_database.transaction(shadow.workspace_id) as tx:
            await queue.let_go(tx, *claimed, shadow.begun, counts=counts)
        raise
    return 1


async def _make(runtime: Runtime[Any], shadow: ShadowRow) -> None:
    report, why = None, f"it was begun {MOST_TIMES} times and not ended"
    if shadow.tries <= MOST_TIMES:
        try:
            report = await _reported(runtime, shadow)
        except LeaseLostError:
            raise
        except Exception as error:
            if is_transient(error) or shadow.tries < MOST_TIMES:
                raise
            log.exception("a shadow run cannot be made", extra={"shadow": str(shadow.shadow_id)})
            why = f"it failed {MOST_TIMES} times: {type(error).__name__}; the log says more"
    async with runtime.worker_database.transaction(shadow.workspace_id) as tx:
        await shadows.finish(tx, shadow, report=report, why="" if report else why, now=runtime.now(shadow.workspace_id))


async def _reported(runtime: Runtime[Any], shadow: ShadowRow) -> dict[str, Any]:
    async def reported() -> dict[str, Any]:
        async with runtime.worker_database.session(shadow.workspace_id) as tx:
            return await run_shadow(tx, runtime.parts.graph, shadow)

    async def renew() -> bool:
        async with runtime.worker_database.transaction(shadow.workspace_id) as tx:
            return await queue.renew(tx, shadow.workspace_id, shadow.shadow_id, shadow.begun)

    return await under_lease(reported(), renew, every_seconds=RENEW_SECONDS)


async def open_shadows(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many runs of a workspace are not done."""
    async with runtime.worker_database.transaction([]) as tx:
        return await shadows.count_open(tx, workspace_id)


job = Job(name="run_shadows", run=run, open=open_shadows, idle_seconds=1.0)
