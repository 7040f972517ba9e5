"""By which calendar the members of a workspace were answered: another one moves persons."""

from libs.common.db.migration import execute

revision = "0008"
down_revision = "0007"

CALENDAR = """
-- of rounds of before nothing is known: the next one takes the calendar as it is then
alter table segment.round add column time_zone text;
alter table segment.round add column week_start smallint;
"""


def upgrade() -> None:
    """Add the columns."""
    execute(CALENDAR)
