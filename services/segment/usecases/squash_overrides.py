"""Lay the columnar rows of subjects that changed hands under their owner: copy, flip, delete, retire the overrides.

Every answer is the same before, during and after: which of a row and its copy counts is said by one row in PostgreSQL.
Whatever dies in between, the next call goes on.
"""

import logging
from datetime import UTC, timedelta

from libs.common.runtime import Runtime
from services.segment.store import rebuilds, squashes
from services.segment.store.parts import SegmentParts
from services.segment.store.squashes import Squash
from services.segment.store.squashing import (
    COPY_SECONDS,
    clear_copies,
    clear_old,
    copy_rows,
    retire_overrides,
    tell_pairs,
)
from services.segment.usecases.insert_blocks import insert_blocks

log = logging.getLogger(__name__)

MOST_SUBJECTS = 100_000
GRACE = timedelta(seconds=120)
"""With a server other processes ask too: what they read of a squash before they ask is at most a question old."""


async def begin_squash(runtime: Runtime[SegmentParts], workspace_id: int) -> int:
    """Begin a squash where nothing keeps from it; return of how many subjects.

    With a server none begins: other processes ask it too, and its replicas may lag behind what is copied.
    """
    if not runtime.parts.columnar.is_embedded:
        return 0
    async with runtime.parts.locks[workspace_id], runtime.worker_database.transaction(workspace_id) as tx:
        if not await squashes.hold(tx, workspace_id) or await rebuilds.is_open(tx, workspace_id):
            return 0
        if await squashes.open_squash(tx, workspace_id):
            return 0
        return await squashes.begin(tx, workspace_id, most=MOST_SUBJECTS)


async def squash_overrides(runtime: Runtime[SegmentParts], workspace_id: int) -> int:
    """Take the workspace's squash one step on; return 1 when that did something."""
    # no round may read the phase before a step and ask after it
    async with runtime.parts.locks[workspace_id], runtime.worker_database.transaction(workspace_id) as holder:
        if not await squashes.hold(holder, workspace_id):
            return 0
        squash = await squashes.open_squash(holder, workspace_id)
        if squash is None or await rebuilds.is_open(holder, workspace_id):
            return 0
        runtime.parts.upset(workspace_id)
        match squash.phase:
            case "begun":
                return await _copy(runtime, squash)
            case "copying":
                return await _give_up(runtime, squash)
            case "copied":
                return await _clear_old(runtime, squash)
            case _:
                return await _clear_copies(runtime, squash)


async def _copy(runtime: Runtime[SegmentParts], squash: Squash) -> int:
    workspace_id, columnar = squash.workspace_id, runtime.parts.columnar
    if _too_soon(runtime, squash, GRACE):
        return 0
    # whatever was staged before the beginning is of the old rows
    await insert_blocks(
        runtime.worker_database, columnar, workspace_id=workspace_id, sealer=runtime.sealer(workspace_id)
    )
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await squashes.enter(tx, squash, "copying")
        pairs = await squashes.pairs(tx, workspace_id)
    if pairs:
        await tell_pairs(columnar, workspace_id, squash.squash_no, pairs)
        await copy_rows(columnar, workspace_id, squash.squash_no)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await squashes.enter(tx, squash, "copied", left="copying")
    return 1


async def _give_up(runtime: Runtime[SegmentParts], squash: Squash) -> int:
    """Nobody knows how far the copying came before it died: what it left goes, the next squash begins anew."""
    async with runtime.worker_database.transaction(squash.workspace_id) as tx:
        await squashes.give_up(tx, squash)
    log.warning("a squash died while it copied; it is undone", extra={"workspace": squash.workspace_id})
    return 1


async def _clear_old(runtime: Runtime[SegmentParts], squash: Squash) -> int:
    workspace_id, columnar = squash.workspace_id, runtime.parts.columnar
    if _too_soon(runtime, squash, GRACE) or not await clear_old(columnar, workspace_id, squash.squash_no):
        return 0
    async with runtime.worker_database.transaction(workspace_id) as tx:
        settled = await squashes.settled_subjects(tx, workspace_id)
    await retire_overrides(columnar, workspace_id, settled, before=squash.override_version)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await squashes.finish(tx, squash, settled=settled)
    log.info("overrides are squashed", extra={"workspace": workspace_id, "subjects": len(settled)})
    return 1


async def _clear_copies(runtime: Runtime[SegmentParts], squash: Squash) -> int:
    workspace_id, columnar = squash.workspace_id, runtime.parts.columnar
    # a server may still be copying for the process that died
    if _too_soon(runtime, squash, timedelta(seconds=COPY_SECONDS)):
        return 0
    if not await clear_copies(columnar, workspace_id, squash.squash_no):
        return 0
    await retire_overrides(columnar, workspace_id, [], before=0)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        await squashes.finish(tx, squash, settled=[])
    return 1


def _too_soon(runtime: Runtime[SegmentParts], squash: Squash, pause: timedelta) -> bool:
    if runtime.parts.columnar.is_embedded:
        return False
    # the phase's time is PostgreSQL's, not a workspace's
    return runtime.clock.now().astimezone(UTC) < squash.phase_at + pause
