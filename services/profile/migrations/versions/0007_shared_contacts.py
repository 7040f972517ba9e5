"""An address is found by its keyed hash: who else has it."""

from libs.common.db.migration import execute

revision = "0007"
down_revision = "0002"

# no more columns: a repeated address updates its times, which an index that held them would make dear
INDEX = "create index contact_point_by_lookup on profile.contact_point (workspace_id, lookup)"


def upgrade() -> None:
    """Make the index."""
    execute(INDEX)
