"""The members of a deleted segment are told that they exited."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue

revision = "0010"
down_revision = "0009"

DEPARTURES = """
-- Deleted segments, with the version that was in force: their chunks and sequences stay until everybody is told.
create table segment.departure (
    workspace_id integer not null,
    segment_id   uuid not null,
    version      integer not null,
    deleted_at   timestamptz not null,
    primary key (workspace_id, segment_id)
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(DEPARTURES, *claim_queue("segment", "departure"))
