"""Devices that change hands: ownership of intervals of event time."""

from libs.common.db.migration import execute

revision = "0003"
down_revision = "0006"

INTERVALS = """
-- What is said holds for events before it only; null is without an end.
alter table profile.ownership_fact add column until timestamptz;
"""


def upgrade() -> None:
    """Change the table."""
    execute(INTERVALS)
