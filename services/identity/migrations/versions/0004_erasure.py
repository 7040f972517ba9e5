"""Erasures: what may never come back, who asked, and which service has deleted."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0004"
down_revision = "0003"

ERASURE = """
-- Identifiers that were erased, by keyed hash: whatever still comes about them makes nobody.
create table identity.tombstone (
    workspace_id integer not null,
    lookup       bytea not null,
    namespace    text not null,
    scope        text not null,
    erasure_id   uuid not null,
    primary key (workspace_id, lookup)
);
create index tombstone_erasure on identity.tombstone (workspace_id, erasure_id);

-- Who was erased, when, on whose word. It names nobody: numbers and opaque ids.
create table identity.erasure (
    workspace_id  integer not null,
    erasure_id    uuid not null,
    person_no     integer not null,
    person_id     uuid not null,
    subject_nos   integer[] not null,
    retired_nos   integer[] not null,
    graph_version bigint not null,
    author        text not null,
    reason        text not null,
    counts        jsonb not null,
    erased_at     timestamptz not null,
    primary key (workspace_id, erasure_id)
);
create index erasure_person on identity.erasure (workspace_id, person_id);

-- That a service has deleted; identity's own comes last, when it has looked through what it keeps unread.
create table identity.erasure_receipt (
    workspace_id integer not null,
    erasure_id   uuid not null,
    service      text not null,
    counts       jsonb not null,
    received_at  timestamptz not null,
    primary key (workspace_id, erasure_id, service)
);

-- Erasures whose identifiers are still to be looked for in the quarantine, beginning after a row.
create table identity.erasure_queue (
    erasure_id   uuid primary key,
    workspace_id integer not null,
    after_id     uuid,
    found        integer not null default 0
);
"""

PROTECTED = ("tombstone", "erasure", "erasure_receipt")


def upgrade() -> None:
    """Make the tables."""
    execute(
        ERASURE,
        *(line for table in PROTECTED for line in protect("identity", table)),
        *claim_queue("identity", "erasure_queue"),
    )
