"""Subjects that changed hands show at once: their overrides go to the columnar store."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.segment.store.owners import overrides_of
from services.segment.store.rows import override_row
from services.segment.store.staging import stage


async def stage_overrides(tx: Tx, *, workspace_id: int, subject_nos: Sequence[int]) -> None:
    """Stage the present owner of each subject whose events lie under another person."""
    if not subject_nos:
        return
    found = await overrides_of(tx, workspace_id, subject_nos)
    if not found:
        return
    lines = [
        override_row(
            workspace_id=workspace_id,
            subject_no=override.subject_no,
            person_no=override.person_no,
            version=override.version,
        )
        for override in found
    ]
    await stage(tx, workspace_id, "override", b"\n".join(lines), rows=len(lines), event_ids=[])
