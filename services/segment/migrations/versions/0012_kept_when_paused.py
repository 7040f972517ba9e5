"""A paused segment keeps whom it had when it was paused, as a snapshot does, through merges and their undoing."""

from libs.common.db.migration import execute

revision = "0012"
down_revision = "0011"

KEPT = """
-- who is in a segment that was paused before is whom it had
insert into segment.snapshot_chunk (workspace_id, segment_id, chunk, bitmap)
select chunk.workspace_id, chunk.segment_id, chunk.chunk, chunk.bitmap
from segment.membership_chunk as chunk
join segment.segment using (workspace_id, segment_id)
where segment.is_behind
"""


def upgrade() -> None:
    """Take down who is in segments that are paused."""
    # all workspaces: the owner is bound by their policy where it is forced
    tables = ("segment", "membership_chunk", "snapshot_chunk")
    execute(
        *(f"alter table segment.{table} no force row level security" for table in tables),
        KEPT,
        *(f"alter table segment.{table} force row level security" for table in tables),
    )
