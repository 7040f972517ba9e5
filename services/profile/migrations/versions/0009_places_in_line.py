"""Of an address that very many filed, the same places are looked at every time: the first by identifier."""

from libs.common.db.migration import execute

revision = "0009"
down_revision = "0008"

# the identifier never changes, so that a repeated address still updates its times without touching the index
INDEX = """
create index contact_point_by_place on profile.contact_point (workspace_id, lookup, subject_no);
drop index profile.contact_point_by_lookup;
"""


def upgrade() -> None:
    """Make the index in line with the identifiers; it stands for the one by address alone."""
    execute(INDEX)
