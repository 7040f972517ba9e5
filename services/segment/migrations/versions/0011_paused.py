"""A live segment may be paused."""

from libs.common.db.migration import execute

revision = "0011"
down_revision = "0010"

PAUSED = """
-- paused, or resumed and not computed for everybody since: its members stay as they are
alter table segment.segment add column is_behind boolean not null default false;
alter table segment.segment drop constraint segment_state_check;
alter table segment.segment add constraint segment_state_check
    check (state in ('draft', 'live', 'paused', 'frozen')) not valid;
alter table segment.segment validate constraint segment_state_check;
"""


def upgrade() -> None:
    """Add the state, and the column."""
    execute(PAUSED)
