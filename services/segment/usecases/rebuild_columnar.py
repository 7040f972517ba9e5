"""Make a workspace's columnar rows anew: forget what is on its way, wipe, be told everything again, go on."""

import logging

from libs.common.db import Tx
from libs.common.replay import ask_replay
from libs.common.replay.store import count_open, hold_inbox
from libs.common.runtime import Runtime
from services.segment.store import memberships, rebuilds, spans, squashes, staging
from services.segment.store.parts import SegmentParts
from services.segment.store.rebuilds import Rebuild
from services.segment.usecases.insert_blocks import insert_blocks
from services.segment.usecases.stage_first_known import stage_all_first_known
from services.segment.usecases.stage_overrides import stage_overrides
from services.segment.usecases.stage_spans import stage_spans

log = logging.getLogger(__name__)

CONSUMERS = (
    "on_account_changed",
    "on_event_recorded",
    "on_message_progressed",
    "on_ownership_changed",
    "on_run_progressed",
    "on_trait_changed",
    "on_consent_changed",
    "on_contact_changed",
    "on_tag_changed",
)
"""Whose facts lie in the columnar store."""
SUBJECTS_AT_ONCE = 50_000


async def rebuild_columnar(runtime: Runtime[SegmentParts], rebuild: Rebuild) -> int:
    """Take a rebuild one step on; return how much was done. Whatever dies in between, the next call goes on."""
    workspace_id = rebuild.workspace_id
    await runtime.directory.ensure_workspaces([workspace_id])
    async with runtime.parts.locks[workspace_id]:
        runtime.parts.upset(workspace_id)
        if rebuild.begun_at is None:
            await _begin(runtime, rebuild)
            return 1
        if not rebuild.is_wiped:
            await runtime.parts.columnar.wipe(workspace_id)
            async with runtime.worker_database.transaction(workspace_id) as tx:
                await rebuilds.note_wiped(tx, rebuild.rebuild_id)
            return 1
        async with runtime.worker_database.transaction(workspace_id) as tx:
            waiting = await count_open(tx, workspace_id, CONSUMERS)
        blocks = await insert_blocks(
            runtime.worker_database,
            runtime.parts.columnar,
            workspace_id=workspace_id,
            sealer=runtime.sealer(workspace_id),
        )
        if waiting:
            return blocks or 0
        await _finish(runtime, rebuild)
        return 1


async def _begin(runtime: Runtime[SegmentParts], rebuild: Rebuild) -> None:
    """In one transaction, with no batch in hand: what was handled before comes again, what is handled later stays."""
    workspace_id = rebuild.workspace_id
    async with runtime.worker_database.transaction(workspace_id) as tx:
        since = await hold_inbox(tx)
        await staging.forget_staged(tx, workspace_id)
        await squashes.forget(tx, workspace_id)
        replays = await ask_replay(
            tx, runtime, workspace_id=workspace_id, consumers=CONSUMERS, within="columnar", since=since
        )
        await rebuilds.note_begun(tx, rebuild.rebuild_id, replays)
        await _stage_owners(tx, workspace_id)
        await stage_all_first_known(tx, workspace_id=workspace_id)
    log.info("the columnar store is rebuilt", extra={"workspace": workspace_id, "reason": rebuild.reason})


async def _stage_owners(tx: Tx, workspace_id: int) -> None:
    """Who owns what is known here; only the rows that say it to the columnar store are made again."""
    moved = await rebuilds.moved_subjects(tx, workspace_id)
    for start in range(0, len(moved), SUBJECTS_AT_ONCE):
        await stage_overrides(tx, workspace_id=workspace_id, subject_nos=moved[start : start + SUBJECTS_AT_ONCE])
    timed = await spans.every_subject(tx, workspace_id)
    for start in range(0, len(timed), SUBJECTS_AT_ONCE):
        await stage_spans(tx, workspace_id=workspace_id, subject_nos=timed[start : start + SUBJECTS_AT_ONCE])


async def _finish(runtime: Runtime[SegmentParts], rebuild: Rebuild) -> None:
    async with runtime.worker_database.transaction(rebuild.workspace_id) as tx:
        await rebuilds.note_finished(tx, rebuild.rebuild_id)
        await memberships.disturb(tx, rebuild.workspace_id)
    runtime.parts.worlds.pop(rebuild.workspace_id, None)
    log.info("the columnar store is whole again", extra={"workspace": rebuild.workspace_id})
    runtime.wake("answer_rounds")
