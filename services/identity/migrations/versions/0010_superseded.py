"""Which identifiers were superseded, by index: a hub asks that of some of its neighbours at every unbind."""

from libs.common.db.migration import execute

revision = "0010"
down_revision = "0007"

REPLACED = """
create index if not exists link_replaced_low on identity.link (workspace_id, low_no)
    where replaced_low_at is not null;
create index if not exists link_replaced_high on identity.link (workspace_id, high_no)
    where replaced_high_at is not null;
"""


def upgrade() -> None:
    """Make the indexes, which hold what was superseded and nothing else."""
    execute(REPLACED)


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
