"""What is only inferred is suggested too, and a pair may be suggested for several reasons."""

from libs.common.db.migration import execute

revision = "0012"
down_revision = "0011"

INFERRED = """
-- `also`: what else than its origin suggests a pair.
alter table identity.suggestion
    add column also text[] not null default '{}',
    drop constraint suggestion_origin_check,
    add constraint suggestion_origin_check check (origin in ('refused_link', 'score', 'inferred')) not valid;
alter table identity.suggestion validate constraint suggestion_origin_check;
"""


def upgrade() -> None:
    """Add the column; rows stay as they are."""
    execute(INFERRED)


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
