"""Policies that say of known identifiers that they are spellings of others."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue

revision = "0013"
down_revision = "0012"

RESPELLING = """
-- Versions of policies for which known identifiers are looked through, and how far that is.
create table identity.respelling_queue (
    workspace_id integer not null,
    version      integer not null,
    after_no     integer not null default 0,
    primary key (workspace_id, version)
);
"""


def upgrade() -> None:
    """Make the table."""
    execute(RESPELLING, *claim_queue("identity", "respelling_queue"))


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
