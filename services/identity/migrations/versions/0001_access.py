"""The house's tables, and who may do what."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, common_tables, protect

revision = "0001"
down_revision = None

ACCESS = """
create sequence identity.workspace_number as integer;
create sequence identity.source_number as integer;

-- Records that changed and are not yet in the bucket the other services follow.
create table identity.access_change (
    name         text primary key,
    workspace_id integer not null,
    document     bytea not null,
    version      bigint not null
);

create table identity.member (
    member_id     uuid primary key,
    workspace_id  integer not null,
    email_lookup  bytea not null,
    email_sealed  text not null,
    role          text not null check (role in ('viewer', 'marketer', 'approver', 'admin')),
    password_hash bytea,
    password_salt bytea,
    failed_logins integer not null default 0,
    locked_until  timestamptz,
    created_at    timestamptz not null default clock_timestamp(),
    removed_at    timestamptz,
    unique (workspace_id, email_lookup)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(
        *common_tables("identity"),
        ACCESS,
        "grant insert, update on identity.workspace, identity.source, identity.api_key to identity_app",
        "grant usage on sequence identity.workspace_number, identity.source_number to identity_app",
        *claim_queue("identity", "access_change", app="select, insert, update"),
        *protect("identity", "member"),
    )
