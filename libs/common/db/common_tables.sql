-- The tables every service has, in its own schema ({schema}). Run once, by a service's first migration.

-- What is known here of workspaces: few rows, read by every due-query for the workspace's clock.
create table {schema}.workspace (
    workspace_id integer primary key,
    key          text not null unique,
    name         text not null,
    timezone     text not null default 'UTC',
    status       text not null default 'active',
    driven_now   timestamptz,
    held         boolean not null default false,
    data_keys    jsonb not null default '{}',
    settings     jsonb not null default '{}',
    version      bigint not null default 1
);

create table {schema}.source (
    source_id    integer primary key,
    workspace_id integer not null,
    document     jsonb not null
);

create table {schema}.api_key (
    hash         bytea primary key,
    workspace_id integer not null,
    document     jsonb not null
);

-- The present of a workspace: driven, or the database's. Declared stable, so that an index on a due time serves it.
create function {schema}.workspace_now(workspace integer) returns timestamptz
language sql stable parallel safe
as $$
    select coalesce(
        (select w.driven_now from {schema}.workspace w where w.workspace_id = workspace),
        clock_timestamp()
    )
$$;

-- Everything said and not yet applied by every receiver: NDJSON of events of one contract, workspace and partition.
create table {schema}.outbox_log (
    log_id          bigint generated always as identity primary key,
    workspace_id    integer not null,
    subject         text not null,
    pp              smallint not null,
    event_count     integer not null,
    payload         bytea not null,
    watermark       timestamptz not null,
    earliest        timestamptz not null,
    traceparent     text,
    stream_sequence bigint,
    said_again      integer not null default 0,
    created_at      timestamptz not null default clock_timestamp()
);
alter table {schema}.outbox_log alter column payload set storage external;
create index outbox_log_sent on {schema}.outbox_log (subject, stream_sequence) where stream_sequence is not null;

-- What of the log is still to be published.
create table {schema}.outbox_queue (
    log_id       bigint primary key,
    workspace_id integer not null,
    byte_count   integer not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Every workspace that ever said something here: whose rows pruning and rebuilding have to see.
create table {schema}.outbox_workspace (
    workspace_id integer primary key
);

-- The stream as the relay last saw it: a younger or shorter one has lost messages.
create table {schema}.outbox_stream (
    stream        text primary key,
    created_at    timestamptz not null,
    last_sequence bigint not null
);

-- Every durable consumer ever seen on a subject: one that is missing holds the log back until it is forgotten.
create table {schema}.outbox_consumer (
    subject   text not null,
    consumer  text not null,
    ack_floor bigint not null,
    seen_at   timestamptz not null default clock_timestamp(),
    primary key (subject, consumer)
);

create table {schema}.inbox_consumer (
    consumer_no smallint generated always as identity primary key,
    name        text not null unique
);

-- Events handled, by event id; forgotten once the sender has dropped them from its log.
create table {schema}.inbox (
    consumer_no smallint not null,
    event_id    uuid not null,
    handled_at  timestamptz not null default clock_timestamp(),
    primary key (consumer_no, event_id)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);
create index inbox_age on {schema}.inbox using brin (handled_at) with (pages_per_range = 32);

-- Messages in hand that were in hand before without an answer: each time may have ended the process. The event is the
-- one that is handled alone.
create table {schema}.inbox_suspect (
    consumer_no     smallint not null,
    stream_sequence bigint not null,
    times           integer not null default 1,
    event_id        uuid,
    primary key (consumer_no, stream_sequence)
);

-- Events that could not be handled, one row each.
create table {schema}.dead_letter (
    dead_letter_id uuid primary key,
    workspace_id   integer not null,
    consumer       text not null,
    subject        text not null,
    event_id       uuid not null,
    event          bytea not null,
    reason         text not null,
    attempts       integer not null default 1,
    status         text not null default 'open' check (status in ('open', 'replayed', 'discarded')),
    created_at     timestamptz not null default clock_timestamp(),
    settled_at     timestamptz
);
create index dead_letter_open on {schema}.dead_letter (workspace_id, dead_letter_id) where status = 'open';
create unique index dead_letter_event on {schema}.dead_letter (consumer, event_id) where status = 'open';

-- Events of contracts that are kept (`Event.kept`), as they were said: to be told again. An erasure deletes by person.
create table {schema}.said (
    workspace_id integer not null,
    subject      text not null,
    received_at  timestamptz not null,
    event_id     uuid not null,
    person_no    integer not null,
    line         bytea not null,
    primary key (workspace_id, subject, received_at, event_id)
);
create index said_of_person on {schema}.said (workspace_id, person_no);

-- Consumers that are told everything again by the owner; `position` is the owner's cursor. What was handled before
-- `since` is handled once more.
create table {schema}.replay (
    replay_id    uuid primary key,
    workspace_id integer not null,
    consumer     text not null,
    subject      text not null,
    since        timestamptz not null,
    position     text,
    reached      timestamptz,
    told         bigint not null default 0,
    applied      bigint not null default 0,
    set_aside    bigint not null default 0,
    reason       text not null default '',
    requested_at timestamptz not null default clock_timestamp(),
    finished_at  timestamptz
);
create unique index replay_open on {schema}.replay (workspace_id, consumer) where finished_at is null;

create table {schema}.idempotency_key (
    workspace_id integer not null,
    route        text not null,
    key          text not null,
    body_hash    bytea not null,
    answer       jsonb,
    created_at   timestamptz not null default clock_timestamp(),
    primary key (workspace_id, route, key)
);
create index idempotency_key_age on {schema}.idempotency_key (created_at);
