"""A snapshot keeps whom it was taken of, so that the undoing of a merge gives it its person back."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0009"
down_revision = "0008"

SNAPSHOTS = """
-- Of whom a frozen segment was taken; its members are who that is now.
create table segment.snapshot_chunk (
    workspace_id integer not null,
    segment_id   uuid not null,
    chunk        integer not null,
    bitmap       bytea not null,
    primary key (workspace_id, segment_id, chunk),
    foreign key (workspace_id, segment_id) references segment.segment on delete cascade
);
"""
TAKEN = """
insert into segment.snapshot_chunk (workspace_id, segment_id, chunk, bitmap)
select chunk.workspace_id, chunk.segment_id, chunk.chunk, chunk.bitmap
from segment.membership_chunk as chunk
join segment.segment using (workspace_id, segment_id)
where segment.state = 'frozen'
"""


def upgrade() -> None:
    """Make the table; who is in a snapshot from before is whom it was taken of."""
    # all workspaces: the owner is bound by their policy where it is forced
    read = ("segment", "membership_chunk")
    execute(
        SNAPSHOTS,
        *(f"alter table segment.{table} no force row level security" for table in read),
        TAKEN,
        *(f"alter table segment.{table} force row level security" for table in read),
        *protect("segment", "snapshot_chunk"),
    )
