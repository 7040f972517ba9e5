"""Uploaded files that nobody waits for are deleted by their age: a process that died could not."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.clock import wall_now
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.identity.jobs.run_imports import UPLOADS
from services.identity.store import imports

log = logging.getLogger(__name__)

AGE = timedelta(hours=24)
"""An upload that is younger may still be on its way into the queue."""
PAUSE_SECONDS = 3600.0


async def run(runtime: Runtime[Any]) -> int:
    """Delete the uploads of before that no import and no preview in the queues names; return how many."""
    old = await asyncio.to_thread(_written_before, Path(runtime.settings.data_dir) / UPLOADS, wall_now() - AGE)
    if not old:
        return 0
    async with runtime.worker_database.transaction([]) as tx:
        wanted = await imports.queued_among(tx, set(old.values()))
    gone = [path for path, one in old.items() if one not in wanted]
    for path in gone:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        log.warning("an upload that was left behind is deleted", extra={"upload": str(old[path])})
    return len(gone)


def _written_before(directory: Path, instant: datetime) -> Mapping[Path, UUID]:
    """Return uploads with the import or preview they were sent for; what is named otherwise is not ours."""
    found: dict[Path, UUID] = {}
    for path in directory.iterdir() if directory.is_dir() else ():
        try:
            one, written = UUID(path.name.partition(".")[0]), path.stat().st_mtime
        except (ValueError, FileNotFoundError):
            continue
        if datetime.fromtimestamp(written, UTC) < instant:
            found[path] = one
    return found


job = Job(name="sweep_uploads", run=run, idle_seconds=PAUSE_SECONDS)
