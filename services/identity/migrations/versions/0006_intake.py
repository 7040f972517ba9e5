"""How others call us and what a workspace expects of what comes: webhooks, questions, tracking plans, counters."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0006"
down_revision = "0005"

INTAKE = """
-- What a workspace expects of its events; the highest version is in force.
create table identity.tracking_plan (
    workspace_id integer not null,
    version      integer not null,
    plan         jsonb not null,
    created_at   timestamptz not null,
    primary key (workspace_id, version)
);

-- In which ways arrivals departed from the plan, and how often.
create table identity.plan_violation (
    workspace_id integer not null,
    event_name   text not null,
    pointer      text not null,
    reason       text not null,
    source_id    integer not null,
    mode         text not null,
    seen         bigint not null,
    first_seen   timestamptz not null,
    last_seen    timestamptz not null,
    primary key (workspace_id, event_name, pointer, reason, source_id)
);

-- Identifiers by day of arrival: valid ones under an empty reason, the others under theirs.
create table identity.identifier_counter (
    workspace_id integer not null,
    source_id    integer not null,
    day          date not null,
    namespace    text not null,
    reason       text not null,
    seen         bigint not null,
    primary key (workspace_id, source_id, day, namespace, reason)
);

-- What another system needs to be believed when it calls: which kind it is, and its sealed credentials.
create table identity.source_webhook (
    workspace_id integer not null,
    source_id    integer not null,
    kind         text not null,
    sealed       bytea not null,
    changed_at   timestamptz not null,
    primary key (workspace_id, source_id)
);

-- Ids about which another system knows more, to be asked once; `lookup` is the keyed hash of the sealed id.
create table identity.enquiry (
    workspace_id integer not null,
    source_id    integer not null,
    lookup       bytea not null,
    sealed       bytea not null,
    state        text not null default 'waiting' check (state in ('waiting', 'answered', 'unknown', 'given_up')),
    tries        integer not null default 0,
    reason       text not null default '',
    changed_at   timestamptz not null,
    primary key (workspace_id, source_id, lookup)
);

create table identity.enquiry_queue (
    workspace_id integer not null,
    source_id    integer not null,
    lookup       bytea not null,
    due_at       timestamptz not null,
    in_hand      boolean not null default false,
    primary key (workspace_id, source_id, lookup)
);
create index enquiry_due on identity.enquiry_queue (due_at);
"""

PROTECTED = ("tracking_plan", "plan_violation", "identifier_counter", "source_webhook", "enquiry")


def upgrade() -> None:
    """Make the tables."""
    execute(
        INTAKE,
        *(line for table in PROTECTED for line in protect("identity", table)),
        *claim_queue("identity", "enquiry_queue"),
    )
