"""Accounts: what group calls said of them, and the fold of it."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0006"
down_revision = "0004"

TABLES = """
-- What is not a person: the groupId of group calls. Locked while its traits are folded; `version` grows with what is
-- said.
create table profile.account (
    workspace_id integer not null,
    account      text not null,
    version      bigint not null default 0,
    primary key (workspace_id, account)
);

-- What one group call said of one trait of the account; it belongs to no person and stays when one is erased.
create table profile.account_fact (
    workspace_id integer not null,
    account      text not null,
    trait        text not null,
    event_id     uuid not null,
    source_id    integer not null,
    event_time   timestamptz not null,
    received_at  timestamptz not null,
    kind         text not null check (kind in ('set', 'set_once', 'unset')),
    type         text not null,
    value        text,
    sealed       bytea,
    primary key (workspace_id, account, trait, event_id)
);

-- The fold of the facts. Neither value nor sealed: the trait was unset.
create table profile.account_view (
    workspace_id integer not null,
    account      text not null,
    trait        text not null,
    value        text,
    sealed       bytea,
    since        timestamptz not null,
    received_at  timestamptz not null,
    version      bigint not null,
    primary key (workspace_id, account, trait)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(
        TABLES, *(line for table in ("account", "account_fact", "account_view") for line in protect("profile", table))
    )
