"""A source that merges persons too fast: what it would merge beyond a rate waits until somebody has looked."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0015"
down_revision = "0014"

RATES = """
-- How many persons a source merged, by the minute in which what joined them arrived; where a rate is declared.
create table identity.source_rate (
    workspace_id integer not null,
    source_id    integer not null,
    minute       timestamptz not null,
    merges       integer not null,
    primary key (workspace_id, source_id, minute)
);

-- `throttled`: like `held`, for the rate of a source by itself. Not validated, which would read the table while nobody
-- else may: every row passed the narrower checks of before.
alter table identity.held_link
    drop constraint held_link_state_check,
    drop constraint held_link_reason_check,
    add constraint held_link_state_check
        check (state in ('held', 'throttled', 'oversized', 'free', 'released', 'thrown_away')) not valid,
    add constraint held_link_reason_check check (reason in ('rate', 'source_rate', 'size')) not valid;
create index if not exists held_link_throttled on identity.held_link (workspace_id, source_id)
    where state = 'throttled';
"""


def upgrade() -> None:
    """Make the table, and the index unless somebody made it before: that is one pass over what was ever held."""
    execute(RATES, *protect("identity", "source_rate"))


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
