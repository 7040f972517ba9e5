"""The record of what arrived: log, keys ever seen, the queue to the resolver, and what could not be taken."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0002"
down_revision = "0001"

LOG = """
-- Every event that was acknowledged, as it came and sealed. Months are made ahead by ensure_event_month.
create table identity.event_log (
    workspace_id  integer not null,
    received_at   timestamptz not null,
    event_id      uuid not null,
    source_id     integer not null,
    event_time    timestamptz not null,
    original_time timestamptz,
    kind          text not null,
    name          text not null,
    message_id    text not null,
    content_hash  bytea not null,
    is_conflict   boolean not null default false,
    imported      boolean not null default false,
    live          boolean not null default true,
    payload       bytea not null,
    primary key (workspace_id, received_at, event_id)
) partition by range (received_at);

-- Sealed bytes do not compress.
alter table identity.event_log alter column payload set storage external;
create index event_log_by_source on identity.event_log (source_id, received_at);

-- Make the month of an instant, in four hash partitions. Attaching takes no lock that stops writers.
create function identity.ensure_event_month(instant timestamptz) returns text
language plpgsql security definer set search_path = identity, pg_temp
as $$
declare
    first_day date := date_trunc('month', instant at time zone 'UTC')::date;
    month text := 'event_log_' || to_char(first_day, 'YYYY_MM');
    opens timestamptz := first_day::timestamp at time zone 'UTC';
    closes timestamptz := (first_day + interval '1 month')::timestamp at time zone 'UTC';
    part integer;
begin
    if exists (
        select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'identity.event_log'::regclass and c.relname = month
    ) then
        return month;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('identity.' || month, 0));
    if to_regclass('identity.' || month) is not null then
        return month;
    end if;
    execute format(
        'create table identity.%I (like identity.event_log including defaults including storage)'
        ' partition by hash (event_id)', month);
    for part in 0..3 loop
        execute format(
            'create table identity.%I partition of identity.%I for values with (modulus 4, remainder %s)',
            month || '_' || part, month, part);
    end loop;
    execute format(
        'alter table identity.event_log attach partition identity.%I for values from (%L) to (%L)',
        month, opens, closes);
    return month;
end
$$;

-- Drop a month with everything in it: the retention's one command.
create function identity.drop_event_month(instant timestamptz) returns text
language plpgsql security definer set search_path = identity, pg_temp
as $$
declare
    month text := 'event_log_' || to_char(date_trunc('month', instant at time zone 'UTC'), 'YYYY_MM');
begin
    execute format('drop table if exists identity.%I', month);
    return month;
end
$$;

-- (workspace, source, message id) of every event ever taken, as 16 bytes, with the content that is the event now.
create table identity.event_deduplication (
    workspace_id integer not null,
    key          bytea not null,
    content_hash bytea not null,
    event_id     uuid not null,
    received_at  timestamptz not null,
    primary key (key)
) partition by hash (key);

-- What the resolver has still to read. `replaces`: the copy that was the event until now.
create table identity.ingest_queue (
    entry_no      bigint generated always as identity primary key,
    workspace_id  integer not null,
    event_id      uuid not null,
    received_at   timestamptz not null,
    evidence_only boolean not null default false,
    replaces      uuid
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Events that were read when another copy had taken their place already: not told, so the other one is to be.
create table identity.passed_over (
    event_id     uuid primary key,
    workspace_id integer not null
);

-- Events that were read and are never told: another copy was told, or they are evidence only.
create table identity.untold (
    event_id     uuid primary key,
    workspace_id integer not null
);

create table identity.quarantine (
    workspace_id  integer not null,
    quarantine_id uuid not null,
    source_id     integer not null,
    received_at   timestamptz not null,
    kind          text,
    name          text,
    message_id    text,
    reason        text not null,
    pointer       text not null,
    detail        text not null,
    payload       bytea not null,
    import_id     uuid,
    row_no        bigint,
    status        text not null default 'held' check (status in ('held', 'replayed', 'discarded')),
    settled_at    timestamptz,
    primary key (workspace_id, quarantine_id)
);
create index quarantine_by_source on identity.quarantine (source_id, quarantine_id);
create unique index quarantine_by_row on identity.quarantine (import_id, row_no) where import_id is not null;

-- The youngest calls that left no row elsewhere (duplicates, refusals), for the source's debugger; and what the
-- tracking plan warned of, under the id of its event.
create table identity.turned_away (
    workspace_id integer not null,
    source_id    integer not null,
    note_id      uuid not null,
    received_at  timestamptz not null,
    outcome      text not null check (outcome in ('duplicate', 'refused', 'warned')),
    kind         text,
    name         text,
    message_id   text,
    reason       text not null,
    pointer      text not null,
    primary key (source_id, note_id)
);

-- posted = accepted + duplicate + conflict + quarantined + refused, per day of arrival.
create table identity.source_counter (
    workspace_id integer not null,
    source_id    integer not null,
    day          date not null,
    posted       bigint not null default 0,
    accepted     bigint not null default 0,
    duplicate    bigint not null default 0,
    conflict     bigint not null default 0,
    quarantined  bigint not null default 0,
    refused      bigint not null default 0,
    replayed     bigint not null default 0,
    primary key (workspace_id, source_id, day)
);

-- Names and types learned from what arrives.
create table identity.catalogue (
    workspace_id integer not null,
    kind         text not null check (kind in ('event', 'property', 'trait')),
    event_name   text not null,
    name         text not null,
    types        text[] not null,
    seen         bigint not null,
    first_seen   timestamptz not null,
    last_seen    timestamptz not null,
    primary key (workspace_id, kind, event_name, name)
);

create table identity.import (
    workspace_id  integer not null,
    import_id     uuid not null,
    source_id     integer not null,
    file_name     text not null,
    file_path     text not null,
    file_hash     text not null,
    format        text not null,
    mapping       jsonb not null,
    live          boolean not null,
    state         text not null check (state in ('waiting', 'running', 'done', 'failed', 'stopped')),
    total_rows    bigint not null,
    next_row      bigint not null default 0,
    accepted      bigint not null default 0,
    duplicate     bigint not null default 0,
    conflict      bigint not null default 0,
    quarantined   bigint not null default 0,
    personless    bigint not null default 0,
    why           text not null default '',
    created_at    timestamptz not null,
    finished_at   timestamptz,
    primary key (workspace_id, import_id)
);

create table identity.import_queue (
    import_id    uuid primary key,
    workspace_id integer not null
);
"""

PARTS = "".join(
    f"create table identity.event_deduplication_{part} partition of identity.event_deduplication"
    f" for values with (modulus 16, remainder {part});\n"
    for part in range(16)
)

PROTECTED = (
    "event_log", "event_deduplication", "quarantine", "turned_away", "source_counter", "catalogue", "import",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, and the months around today."""
    execute(
        LOG,
        PARTS,
        *(line for table in PROTECTED for line in protect("identity", table)),
        *claim_queue("identity", "ingest_queue"),
        *claim_queue("identity", "passed_over", app="select"),
        *claim_queue("identity", "untold", app=""),
        *claim_queue("identity", "import_queue", app="insert, delete"),
        "revoke all on function identity.ensure_event_month(timestamptz) from public",
        "revoke all on function identity.drop_event_month(timestamptz) from public",
        "grant execute on function identity.ensure_event_month(timestamptz) to identity_app",
        "grant execute on function identity.drop_event_month(timestamptz) to identity_worker",
        "select identity.ensure_event_month(now() + make_interval(months => n)) from generate_series(-1, 2) n",
    )
