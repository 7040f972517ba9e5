"""Subjects with different owners at different times show at once: their spans go to the columnar store."""

from collections.abc import Collection, Mapping

from libs.common.db import Tx
from services.segment.store import spans
from services.segment.store.rows import span_row
from services.segment.store.staging import stage


async def stage_spans(tx: Tx, *, workspace_id: int, subject_nos: Collection[int]) -> None:
    """Stage who owned each subject when."""
    found = await spans.spans_of(tx, workspace_id, subject_nos) if subject_nos else {}
    if not found:
        return
    version = await spans.next_version(tx)
    lines = [
        span_row(
            workspace_id=workspace_id,
            subject_no=subject_no,
            spans=[(span.since, span.person_no) for span in mine],
            version=version,
        )
        for subject_no, mine in found.items()
    ]
    await stage(tx, workspace_id, "override_span", b"\n".join(lines), rows=len(lines), event_ids=[])


async def settle_spans(tx: Tx, *, workspace_id: int, present: Mapping[int, int]) -> None:
    """Let what persons did on subjects that are somebody else's by now follow them into a merge, and back."""
    await stage_spans(tx, workspace_id=workspace_id, subject_nos=await spans.settle(tx, workspace_id, present))
