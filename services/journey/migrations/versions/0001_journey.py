"""Journeys, versions, runs and the queue of their timers."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, common_tables, protect

revision = "0001"
down_revision = None

JOURNEYS = """
create table journey.journey (
    workspace_id integer not null,
    journey_id   uuid not null,
    name         text not null,
    status       text not null default 'draft' check (status in ('draft', 'live', 'paused', 'stopped')),
    draft        json not null default '{}',
    version      integer not null default 0,
    created_at   timestamptz not null,
    changed_at   timestamptz not null,
    primary key (workspace_id, journey_id)
);

-- What was published, for ever as it was: `moves` says where people in deleted nodes go when they follow.
create table journey.journey_version (
    workspace_id integer not null,
    journey_id   uuid not null,
    version      integer not null,
    definition   json not null,
    moves        json not null default '{}',
    inside       text not null check (inside in ('pin', 'follow')),
    published_at timestamptz not null,
    published_by text not null,
    primary key (workspace_id, journey_id, version)
);

create function journey.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a published version never changes';
end
$$;
create trigger immutable before update on journey.journey_version
    for each row execute function journey.refuse_change();

-- Grows with every change of what a workspace's journeys listen to: processes compare it with what they have in memory.
create table journey.revision (
    workspace_id integer primary key,
    revision     bigint not null
);
"""

RUNS = """
-- person_no follows merges and splits; entered_as and subject_no stay as they were at the entry.
create table journey.run (
    workspace_id   integer not null,
    run_id         uuid not null,
    journey_id     uuid not null,
    version        integer not null,
    person_no      integer not null,
    person_id      uuid not null,
    entered_as     integer not null,
    subject_no     integer not null,
    entry_key      text not null,
    entry_event_id uuid,
    entry_time     timestamptz not null,
    goal_until     timestamptz,
    is_exclusive   boolean not null,
    live           boolean not null default true,
    state          text not null default 'active' check (state in ('active', 'waiting', 'completed', 'exited')),
    reason         text,
    node           text not null default 'entry',
    visit          integer not null default 1,
    arriving       boolean not null default true,
    arrived_at     timestamptz not null,
    visits         json,
    context        json,
    sealed         text,
    zone           text,
    arm            text not null default '',
    sequence       integer not null default 0,
    converted_at   timestamptz,
    started_at     timestamptz not null,
    ended_at       timestamptz,
    received_at    timestamptz not null,
    primary key (run_id)
) with (fillfactor = 85);
-- The telling column first, never the workspace: row-level security has its own condition on that, and without
-- statistics the planner then takes whatever index begins with it (20 s instead of 20 ms for a thousand entries).
-- A journey's id is unique by itself, so these hold per workspace.
create unique index run_entry on journey.run (entered_as, journey_id, entry_key, entry_event_id);
create unique index run_live on journey.run (person_no, journey_id, entry_key) where live and is_exclusive;
create index run_person on journey.run (person_no, workspace_id, journey_id);
create index run_listing on journey.run (journey_id, run_id);

-- One row per live run: its next moment, and its lock. Whoever changes a run holds this row first.
create table journey.run_timer (
    run_id       uuid primary key,
    workspace_id integer not null,
    due_at       timestamptz not null,
    planned_at   timestamptz,
    -- the moment itself decides (a wait that ends): it must be known that nothing from before is still on its way
    on_time      boolean not null default false,
    leased_until timestamptz,
    attempts     smallint not null default 0
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);
create index run_timer_due on journey.run_timer (workspace_id, due_at);

-- Who ever entered: what "never again" and "after so long" remember, also when the run is gone.
create table journey.entered (
    workspace_id integer not null,
    journey_id   uuid not null,
    person_no    integer not null,
    entry_key    text not null,
    first_at     timestamptz not null,
    last_at      timestamptz not null,
    primary key (person_no, workspace_id, journey_id, entry_key)
);

-- Arms drawn, kept for ever: the control arm ($control) and percentage splits, per person.
create table journey.assignment (
    workspace_id integer not null,
    journey_id   uuid not null,
    person_no    integer not null,
    node         text not null,
    arm          text not null,
    assigned_at  timestamptz not null,
    run_id       uuid not null,
    primary key (person_no, workspace_id, journey_id, node)
);

-- What happened at each node, in order; nothing here is ever changed.
create table journey.step_log (
    workspace_id integer not null,
    run_id       uuid not null,
    sequence     integer not null,
    journey_id   uuid not null,
    version      integer not null,
    node         text not null,
    visit        integer not null,
    arrived      boolean not null,
    departed     boolean not null,
    branch       text not null,
    reason       text not null,
    details      json,
    at           timestamptz not null,
    primary key (run_id, sequence)
);
create index step_log_journey on journey.step_log (workspace_id, journey_id);

create table journey.message_outcome (
    workspace_id integer not null,
    run_id       uuid not null,
    event_id     uuid not null,
    node         text not null,
    visit        integer not null,
    state        text not null,
    reason       text not null,
    channel      text not null,
    at           timestamptz not null,
    primary key (run_id, event_id)
);
"""

PERSONS = """
-- What happened to persons that some journey may want to know, also before they enter: events come in any order.
create table journey.heard (
    workspace_id integer not null,
    person_no    integer not null,
    at           timestamptz not null,
    event_id     uuid not null,
    subject_no   integer not null,
    heard_as     integer not null,
    name         text not null,
    properties   json,
    sealed       text,
    heard_at     timestamptz not null,
    primary key (person_no, workspace_id, at, event_id)
);
create index heard_age on journey.heard (workspace_id, heard_at);

-- Who a person number stands for after merges; itself when he was revived.
create table journey.redirect (
    workspace_id  integer not null,
    person_no     integer not null,
    to_person_no  integer not null,
    to_person_id  uuid not null,
    graph_version bigint not null,
    primary key (workspace_id, person_no)
);
create index redirect_to on journey.redirect (to_person_no, workspace_id);

-- Identifiers that left a person with one side of a split: what still comes under his number is theirs.
create table journey.subject_owner (
    workspace_id   integer not null,
    subject_no     integer not null,
    from_person_no integer not null,
    person_no      integer not null,
    person_id      uuid not null,
    graph_version  bigint not null,
    primary key (workspace_id, subject_no, from_person_no)
);
"""

PROTECTED = (
    "journey", "journey_version", "revision", "run", "entered", "assignment", "step_log", "message_outcome", "heard",
    "redirect", "subject_owner",
)  # fmt: skip


def upgrade() -> None:
    execute(
        *common_tables("journey"),
        JOURNEYS,
        RUNS,
        PERSONS,
        *(line for table in PROTECTED for line in protect("journey", table)),
        *claim_queue("journey", "run_timer", app="select, insert, update, delete"),
        "revoke update, delete on journey.step_log from journey_app",
        # erasure takes the details of a step; nothing else of it changes
        "grant update (details) on journey.step_log to journey_app",
    )
