"""Segments, their members, and the way from events to both."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, common_tables, protect

revision = "0001"
down_revision = None

TABLES = """
-- The universe: every person ever seen. state 1 alive, 2 merged into another, 3 erased.
create table segment.person (
    workspace_id integer not null,
    person_no    integer not null,
    person_id    uuid,
    state        smallint not null default 1,
    merged_into  integer,
    version      bigint not null default 0,
    primary key (workspace_id, person_no)
);
create index person_merged on segment.person (workspace_id, person_no) where merged_into is not null;

-- Who a merged person is now: along the merges to the end, himself where merges of different ages meet in a ring.
-- Hardly anybody is merged: ask it of those alone, for it walks. (Recursion over a set of persons is planned as a
-- product of the set and the table.)
create function segment.present_person(workspace integer, person integer) returns integer
language sql stable parallel safe
as $$
    with recursive path as (
        select start.person_no, start.merged_into from segment.person as start
        where start.workspace_id = workspace and start.person_no = person
        union
        select next.person_no, next.merged_into
        from path
        cross join lateral (
            select one.person_no, one.merged_into from segment.person as one
            where one.workspace_id = workspace and one.person_no = path.merged_into
            limit 1
        ) as next
    )
    select coalesce((select path.person_no from path where path.merged_into is null), person)
$$;

-- Who owns a subject now, and under which persons its events were stored. A subject_no below 0 stands for the
-- events of a person that came without a subject. person_no 0 is a tombstone: the subject was erased.
create table segment.subject (
    workspace_id integer not null,
    subject_no   bigint not null,
    person_no    integer not null,
    version      bigint not null default 0,
    stored_under integer[] not null default '{}',
    moved        boolean generated always as
                 (cardinality(stored_under) > 0 and stored_under <> array[person_no]) stored,
    overridden   boolean not null default false,
    primary key (workspace_id, subject_no)
);
create index subject_of_person on segment.subject (workspace_id, person_no);
create index subject_moved on segment.subject (workspace_id, person_no) where moved;
create index subject_overridden on segment.subject (workspace_id) where overridden;
create sequence segment.override_version;
grant usage on sequence segment.override_version to segment_app;

-- Rows for the columnar store that are not in a block yet, or whose block is not known to be inserted.
create table segment.staged (
    workspace_id integer not null,
    staged_no    bigint generated always as identity,
    target       text not null,
    row_count    integer not null,
    event_ids    uuid[] not null,
    payload      bytea not null,
    sealed       boolean not null default false,
    block_no     bigint,
    primary key (workspace_id, staged_no)
);
alter table segment.staged alter column payload set storage external;
create index staged_in_block on segment.staged (workspace_id, block_no) where block_no is not null;

-- Cut blocks: what is in one never changes, so that it can be sent again as it was.
create table segment.block (
    workspace_id integer not null,
    block_no     bigint generated always as identity,
    target       text not null,
    row_count    integer not null,
    cut_at       timestamptz not null default clock_timestamp(),
    inserted_at  timestamptz,
    primary key (workspace_id, block_no)
);
create index block_open on segment.block (workspace_id, block_no) where inserted_at is null;

-- Who must be asked again, and why. No payload.
create table segment.touch (
    touch_no       bigint generated always as identity primary key,
    workspace_id   integer not null,
    person_no      integer not null,
    cause          text not null,
    concern        text not null default '',
    cause_event_id uuid,
    received_at    timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index touch_of_workspace on segment.touch (workspace_id, touch_no);

create table segment.segment (
    workspace_id      integer not null,
    segment_id        uuid not null,
    key               text,
    name              text not null,
    state             text not null default 'draft' check (state in ('draft', 'live', 'frozen')),
    -- of a frozen one: whose members it has, as they were
    snapshot_of       uuid,
    version           integer not null default 1,
    live_version      integer,
    size              bigint not null default 0,
    -- why it cannot be answered, since when, and when that was last tried (real time)
    trouble           text not null default '',
    trouble_since     timestamptz,
    tried_at          timestamptz,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    primary key (workspace_id, segment_id),
    unique (workspace_id, key)
);

create table segment.segment_version (
    workspace_id integer not null,
    segment_id   uuid not null,
    version      integer not null,
    definition   text not null,
    created_at   timestamptz not null,
    published_at timestamptz,
    primary key (workspace_id, segment_id, version),
    foreign key (workspace_id, segment_id) references segment.segment on delete cascade
);

-- Hand-made lists: included or excluded whatever the definition says.
create table segment.manual_member (
    workspace_id integer not null,
    segment_id   uuid not null,
    person_no    integer not null,
    included     boolean not null,
    primary key (workspace_id, segment_id, person_no),
    foreign key (workspace_id, segment_id) references segment.segment on delete cascade
);

-- Versions and lists to be computed aside and swapped in.
create table segment.recompute (
    workspace_id integer not null,
    segment_id   uuid not null,
    version      integer not null,
    cause        text not null,
    request_id   uuid not null,
    primary key (workspace_id, segment_id)
);

-- Members of the live version: a Roaring bitmap for each 65,536 person numbers.
create table segment.membership_chunk (
    workspace_id integer not null,
    segment_id   uuid not null,
    chunk        integer not null,
    bitmap       bytea not null,
    primary key (workspace_id, segment_id, chunk)
);

create table segment.membership_sequence (
    workspace_id integer not null,
    segment_id   uuid not null,
    person_no    integer not null,
    sequence     bigint not null,
    primary key (workspace_id, segment_id, person_no)
);

create table segment.size_history (
    workspace_id integer not null,
    segment_id   uuid not null,
    at           timestamptz not null,
    version      integer not null,
    size         bigint not null,
    entered      bigint not null default 0,
    exited       bigint not null default 0,
    primary key (workspace_id, segment_id, at)
);

-- How far time has been answered for; `revision` lets only one evaluator settle at a time.
create table segment.round (
    workspace_id    integer primary key,
    evaluated_until timestamptz,
    revision        bigint not null default 0
);

-- Persons whose columnar rows are to be deleted; `erasure_id` on one row of each erasure: its receipt is then said.
create table segment.erasure (
    workspace_id integer not null,
    person_no    integer not null,
    erasure_id   uuid,
    subject_nos  bigint[] not null,
    requested_at timestamptz not null,
    done_at      timestamptz,
    primary key (workspace_id, person_no)
);
create index erasure_open on segment.erasure (workspace_id) where done_at is null;

-- Workspaces whose columnar rows are being made anew from the owners. Until `is_wiped` nothing may go in, until it is
-- finished nothing may be asked. `replays` are the ids of the replays that fill it.
create table segment.rebuild (
    rebuild_id   uuid primary key,
    workspace_id integer not null,
    reason       text not null,
    requested_at timestamptz not null default clock_timestamp(),
    begun_at     timestamptz,
    is_wiped     boolean not null default false,
    replays      uuid[] not null default '{}',
    finished_at  timestamptz
);
create unique index rebuild_open on segment.rebuild (workspace_id) where finished_at is null;

-- The columnar store that belongs to this database: another one, or an empty one, is rebuilt.
create table segment.columnar_store (
    is_known boolean primary key default true check (is_known),
    store_id uuid not null
);
grant select, insert, update on segment.columnar_store to segment_worker;

-- Every live segment asked in full, and the days counted against the record: `missing` should have been members and
-- were not, `surplus` were and should not have been, `apart` is by how many events the days differ. All have to be 0.
create table segment.reconciliation (
    workspace_id      integer not null,
    reconciliation_id uuid not null,
    requested_at      timestamptz not null default clock_timestamp(),
    is_nightly        boolean not null,
    finished_at       timestamptz,
    segments          integer not null default 0,
    failed            integer not null default 0,
    missing           bigint not null default 0,
    surplus           bigint not null default 0,
    apart             bigint not null default 0,
    details           jsonb not null default '{}',
    primary key (workspace_id, reconciliation_id)
);
create unique index reconciliation_open on segment.reconciliation (workspace_id) where finished_at is null;

-- Event and trait names ever seen, for warnings.
create table segment.known_name (
    workspace_id integer not null,
    kind         text not null,
    name         text not null,
    primary key (workspace_id, kind, name)
);
"""

PROTECTED = (
    "person",
    "subject",
    "staged",
    "segment",
    "segment_version",
    "manual_member",
    "membership_chunk",
    "membership_sequence",
    "size_history",
    "known_name",
    "reconciliation",
)


def upgrade() -> None:
    """Make the tables."""
    execute(
        *common_tables("segment"),
        TABLES,
        *(line for table in PROTECTED for line in protect("segment", table)),
        *claim_queue("segment", "touch"),
        *claim_queue("segment", "block", app="select, insert, update"),
        *claim_queue("segment", "round", app="select, insert, update"),
        *claim_queue("segment", "recompute", app="select, insert, update, delete"),
        *claim_queue("segment", "erasure"),
        *claim_queue("segment", "rebuild", app=""),
    )
