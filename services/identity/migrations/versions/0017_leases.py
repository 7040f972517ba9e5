"""Previews of imports and shadow runs in hand under a lease, so that no transaction lasts as long as they do."""

from libs.common.db.migration import execute

revision = "0017"
down_revision = "0016"

LEASES = """
-- Until when somebody has it in hand, by the wall clock: after that it is anybody's.
alter table identity.import_preview_queue add column taken_until timestamptz not null default '-infinity';
alter table identity.shadow_queue add column taken_until timestamptz not null default '-infinity';

-- How many times it was tried and not interrupted.
alter table identity.import_preview add column tries integer not null default 0;

-- How many times a run was begun, and what kept one that failed from being made.
alter table identity.policy_shadow
    add column begun integer not null default 0,
    add column tries integer not null default 0,
    add column why text not null default '',
    drop constraint policy_shadow_state_check,
    -- not validated: every row passed the narrower check of before
    add constraint policy_shadow_state_check check (state in ('waiting', 'done', 'failed', 'switched')) not valid;
"""


def upgrade() -> None:
    """Add the columns; rows stay as they are."""
    execute(LEASES)


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
