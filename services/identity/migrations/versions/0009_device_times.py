"""Devices change hands: who was seen on them when, and ownership of intervals of event time."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0009"
down_revision = "0006"

TIMES = """
-- `holder_no` is the identifier whose log-in of `held_since` began the present hold of a device, 0 where nobody
-- holds it; `is_timed`: its holds are kept one by one; `anonymous_no`: the person of its time that is nobody's.
alter table identity.node
    add column holder_no    integer not null default 0,
    add column held_since   timestamptz,
    add column is_timed     boolean not null default false,
    add column anonymous_no integer not null default 0;
create index node_anonymous on identity.node (workspace_id, anonymous_no) where anonymous_no <> 0;

-- Who was seen on a timed device: what its holds are computed from. `who_no` is 0 where a log-out names nobody.
create table identity.device_signal (
    workspace_id integer not null,
    node_no      integer not null,
    at           timestamptz not null,
    event_id     uuid not null,
    part         smallint not null,
    kind         text not null check (kind in ('login', 'unbind', 'logout', 'retract')),
    who_no       integer not null,
    tier         smallint not null,
    primary key (workspace_id, node_no, at, event_id, part)
);

-- `until`: what is said holds for events before it only. One version may say several intervals of an identifier.
alter table identity.ownership add column until timestamptz, drop constraint ownership_pkey;
create unique index ownership_pkey
    on identity.ownership (workspace_id, node_no, version, coalesce(since, '-infinity'));
"""


def upgrade() -> None:
    """Make the tables."""
    execute(TIMES, *protect("identity", "device_signal"))
