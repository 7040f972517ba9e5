"""Negatives hold for no value of a type their operator does not fit any more: who is in by one is asked again."""

from libs.common.db.migration import execute

revision = "0013"
down_revision = "0012"

ASKED_AGAIN = """
-- Whom they held for is no drift: he is told as after an edit. A paused segment is computed when it is resumed, and of
-- one with a newer version that waits, that.
insert into segment.recompute (workspace_id, segment_id, version, cause, request_id)
select segment.workspace_id, segment.segment_id, segment.live_version, 'edit', gen_random_uuid()
from segment.segment
join segment.segment_version as version
  on version.workspace_id = segment.workspace_id and version.segment_id = segment.segment_id
 and version.version = segment.live_version
where segment.state = 'live' and version.definition ~ '"op"\\s*:\\s*"(not_equals|not_in|not_contains|has_none)"'
on conflict (workspace_id, segment_id) do update set request_id = excluded.request_id
"""


def upgrade() -> None:
    """Ask for live segments with such operators to be computed for everybody."""
    # all workspaces: the owner is bound by their policy where it is forced
    tables = ("segment", "segment_version")
    execute(
        *(f"alter table segment.{table} no force row level security" for table in tables),
        ASKED_AGAIN,
        *(f"alter table segment.{table} force row level security" for table in tables),
    )
