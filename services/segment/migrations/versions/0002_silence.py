"""What silence means in a workspace, as profile told."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0002"
down_revision = "0001"

TABLES = """
-- One declaration each: of a purpose on a channel (`*`: any) silence allows contact, or does not.
create table segment.silence (
    workspace_id integer primary key,
    version      bigint not null,
    purposes     text[] not null,
    channels     text[] not null,
    allowed      boolean[] not null
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(TABLES, *protect("segment", "silence"))
