"""Joins that wait until somebody has looked: too many at once, persons who would be too large, long silences."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0007"
down_revision = "0008"

DEFENCE = """
alter table identity.policy_set add column safeguards jsonb not null default '{}';
alter table identity.policy_shadow add column safeguards jsonb not null default '{}';

-- The first arrival of anything about a pair; null for what came before there was this column.
alter table identity.link add column arrived_at timestamptz;

-- Something other than time or evidence looks at a region: a crowd that stays one need not be walked for it.
alter table identity.region_due add column glance boolean not null default false;

-- Links in quarantine and what was decided about them. `held`: it counts for nothing. `oversized`: the rule itself
-- keeps it out, the row is there to be listed. `free`: it counts like any other. `released`: whatever the size.
create table identity.held_link (
    workspace_id integer not null,
    low_no       integer not null,
    high_no      integer not null,
    hold_id      uuid not null,
    state        text not null check (state in ('held', 'oversized', 'free', 'released', 'thrown_away')),
    reason       text not null check (reason in ('rate', 'size')),
    cause_no     integer,
    source_id    integer,
    held_at      timestamptz not null,
    decided_at   timestamptz,
    author       text,
    primary key (workspace_id, low_no, high_no),
    check (low_no < high_no)
);
create unique index held_link_by_id on identity.held_link (workspace_id, hold_id);
create index held_link_high on identity.held_link (workspace_id, high_no);

-- Identifiers that one source joined to too many others within a minute: what it says of them from then on is held too.
create table identity.stray_identifier (
    workspace_id integer not null,
    node_no      integer not null,
    source_id    integer not null,
    state        text not null default 'open' check (state in ('open', 'released', 'thrown_away')),
    held_at      timestamptz not null,
    primary key (workspace_id, node_no, source_id)
);

-- Joins of identifiers whose holders had been silent for long. `node_no` is what they share, `newcomer_no` who came.
create table identity.dormant_join (
    workspace_id integer not null,
    node_no      integer not null,
    newcomer_no  integer not null,
    join_id      uuid not null,
    state        text not null default 'open' check (state in ('open', 'fine', 'undone')),
    found_at     timestamptz not null,
    decided_at   timestamptz,
    author       text,
    primary key (workspace_id, node_no, newcomer_no)
);
create unique index dormant_join_by_id on identity.dormant_join (workspace_id, join_id);
create index dormant_join_newcomer on identity.dormant_join (workspace_id, newcomer_no);
"""


def upgrade() -> None:
    """Make the tables."""
    tables = ("held_link", "stray_identifier", "dormant_join")
    execute(DEFENCE, *(line for table in tables for line in protect("identity", table)))
