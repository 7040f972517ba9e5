"""Which identifiers name somebody: who has none of them is anonymous."""

from libs.common.db.migration import execute

revision = "0007"
down_revision = "0006"

NAMING = """
-- of what was told before nothing is known: nobody is taken for anonymous until it is told again
alter table segment.subject add column naming boolean not null default true;
alter table segment.subject alter column naming set default false;
"""


def upgrade() -> None:
    """Add the column; a rebuild of the columnar store has identity tell its ownership again."""
    execute(NAMING)
