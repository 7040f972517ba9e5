"""The graph: identifiers, evidence, links, persons, and who owns which identifier."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0003"
down_revision = "0002"

GRAPH = """
create sequence identity.graph_version as bigint;

create table identity.policy_set (
    workspace_id integer not null,
    version      integer not null,
    policies     jsonb not null,
    created_at   timestamptz not null,
    primary key (workspace_id, version)
);

-- The version in force. Whoever changes the graph holds it shared; whoever changes the policies, alone.
create table identity.policy_head (
    workspace_id integer primary key,
    version      integer not null
);

-- Policies tried on the stored evidence before anybody puts them in force, and what that found.
create table identity.policy_shadow (
    workspace_id integer not null,
    shadow_id    uuid not null,
    base_version integer not null,
    policies     jsonb not null,
    state        text not null default 'waiting' check (state in ('waiting', 'done', 'switched')),
    report       jsonb,
    author       text not null,
    created_at   timestamptz not null,
    finished_at  timestamptz,
    switched_to  integer,
    primary key (workspace_id, shadow_id)
);

create table identity.shadow_queue (
    shadow_id    uuid primary key,
    workspace_id integer not null
);

-- WeChat accounts that moved to another appid; until `closes_at` WeChat tells what their openids became.
create table identity.account_migration (
    workspace_id  integer not null,
    migration_id  uuid not null,
    from_appid    text not null,
    to_appid      text not null,
    from_platform text not null,
    to_platform   text not null,
    migrated_at   timestamptz not null,
    closes_at     timestamptz not null,
    failed        integer not null,
    primary key (workspace_id, migration_id)
);

-- The next numbers to give out, in blocks.
create table identity.number_block (
    workspace_id integer not null,
    kind         text not null check (kind in ('node', 'person')),
    next_no      integer not null,
    primary key (workspace_id, kind)
);

-- An identifier and its owner. `born_no` is the person it first belonged to, `alone_at` the newest evidence that
-- touched it without a link, `is_calm`: newer evidence for links that are active cannot change the partition here.
create table identity.node (
    workspace_id  integer not null,
    node_no       integer not null,
    lookup        bytea not null,
    namespace     text not null,
    scope         text not null,
    sealed        bytea not null,
    person_no     integer not null default 0,
    born_no       integer not null default 0,
    owner_version bigint not null default 0,
    best_tier     smallint not null default 4,
    alone_at      timestamptz,
    is_shared     boolean not null default false,
    is_calm       boolean not null default true,
    withdrawn     text[],
    primary key (workspace_id, node_no)
) with (fillfactor = 80);
create unique index node_lookup on identity.node (workspace_id, lookup);
create index node_owner on identity.node (workspace_id, person_no);

-- A plain identifier and its hash, under the keyed hash by which the hashed one is found; each side writes its number
-- when it is first seen, so whoever comes second finds the other.
create table identity.twin (
    workspace_id integer not null,
    lookup       bytea not null,
    plain_no     integer,
    hashed_no    integer,
    primary key (workspace_id, lookup)
);
create index twin_plain on identity.twin (workspace_id, plain_no) where plain_no is not null;
create index twin_hashed on identity.twin (workspace_id, hashed_no) where hashed_no is not null;

-- Every fact about identifiers, for ever; an event that says several things says them in parts. `node_nos` are in the
-- order of the source, `centre_no` the star's middle; `is_loose`: it names some that it does not link to the middle.
create table identity.evidence (
    workspace_id      integer not null,
    event_id          uuid not null,
    part              smallint not null default 0,
    source_id         integer not null,
    kind              text not null,
    tier              smallint not null,
    event_time        timestamptz not null,
    first_received_at timestamptz not null,
    rule_version      integer not null,
    consent_basis     text,
    node_nos          integer[] not null,
    centre_no         integer not null,
    author            text,
    is_loose          boolean not null default false,
    primary key (workspace_id, event_id, part)
);
create index evidence_loose on identity.evidence using gin (node_nos) where is_loose;
create index evidence_centre on identity.evidence (workspace_id, centre_no);

-- What the evidence about a pair adds up to: newest time per tier for (seen) and against (void), all commutative.
create table identity.link (
    workspace_id     integer not null,
    low_no           integer not null,
    high_no          integer not null,
    basis            text not null default '',
    seen_0           timestamptz,
    seen_1           timestamptz,
    seen_2           timestamptz,
    seen_3           timestamptz,
    seen_4           timestamptz,
    void_0           timestamptz,
    void_1           timestamptz,
    void_2           timestamptz,
    void_3           timestamptz,
    void_4           timestamptz,
    retracted_at     timestamptz,
    must_at          timestamptz,
    cannot_at        timestamptz,
    replaced_low_at  timestamptz,
    replaced_high_at timestamptz,
    logout_at        timestamptz,
    first_at         timestamptz,
    evidence_count   integer not null default 0,
    sources          integer[] not null default '{}',
    state            text,
    reason           text not null default '',
    blocker_low      integer,
    blocker_high     integer,
    primary key (workspace_id, low_no, high_no, basis),
    check (low_no < high_no)
) with (fillfactor = 80);
create index link_high on identity.link (workspace_id, high_no);

-- `merged_into` is the survivor of the merge that ended a person, `redirect_to` where he is found now, in one hop.
create table identity.person (
    workspace_id  integer not null,
    person_no     integer not null,
    person_id     uuid not null,
    state         text not null default 'active' check (state in ('active', 'merged', 'erased')),
    merged_into   integer,
    redirect_to   integer,
    graph_version bigint not null,
    created_at    timestamptz not null,
    primary key (workspace_id, person_no),
    check ((state = 'merged') = (redirect_to is not null))
);
create unique index person_by_id on identity.person (workspace_id, person_id);
create index person_redirected on identity.person (workspace_id, redirect_to) where redirect_to is not null;
create index person_merged on identity.person (workspace_id, merged_into) where merged_into is not null;

-- Every redirect there ever was; to_no is 0 where a retired id came back.
create table identity.person_redirect (
    workspace_id  integer not null,
    from_no       integer not null,
    graph_version bigint not null,
    to_no         integer not null,
    recorded_at   timestamptz not null,
    primary key (workspace_id, from_no, graph_version)
);

-- Who owned an identifier from which version on; `since` is the event time from which its events are the owner's.
create table identity.ownership (
    workspace_id integer not null,
    node_no      integer not null,
    version      bigint not null,
    person_no    integer not null,
    since        timestamptz,
    recorded_at  timestamptz not null,
    primary key (workspace_id, node_no, version)
);
create index ownership_person on identity.ownership (workspace_id, person_no);

-- Parts of the graph that time or a new policy may change; `reread`: add up their evidence anew.
create table identity.region_due (
    workspace_id integer not null,
    node_no      integer not null,
    due_at       timestamptz not null,
    reread       boolean not null default false,
    primary key (workspace_id, node_no)
);
create index region_due_at on identity.region_due (due_at);
"""

PROTECTED = (
    "policy_set", "policy_head", "number_block", "node", "twin", "evidence", "link", "person", "person_redirect",
    "ownership", "policy_shadow", "account_migration",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables."""
    execute(
        GRAPH,
        "grant usage on sequence identity.graph_version to identity_app",
        *(line for table in PROTECTED for line in protect("identity", table)),
        *claim_queue("identity", "region_due", app="select, insert, update"),
        *claim_queue("identity", "shadow_queue"),
    )
