"""Consent to linking: what is known of each identifier, and whether a workspace asks for it before it links."""

from libs.common.db.migration import execute

revision = "0008"
down_revision = "0009"

PERMISSIONS = """
-- By purpose: {"linking": {"version": 3, "steps": [{"since": ..., "state": "withdrawn"}]}}. `withdrawn` was never
-- written and is not read any more; it is dropped once no process of the version before runs.
alter table identity.node add column permissions jsonb;

alter table identity.policy_set
    add column linking text not null default 'opt_out' check (linking in ('opt_out', 'opt_in'));
alter table identity.policy_shadow
    add column linking text not null default 'opt_out' check (linking in ('opt_out', 'opt_in'));
"""


def upgrade() -> None:
    """Add the columns."""
    execute(PERMISSIONS)


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
