"""Persons and ownership, trait facts and views, contact points, the timeline, the consent ledger."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, common_tables, protect

revision = "0001"
down_revision = None

TIMELINE_PARTITIONS = 8

PERSONS = """
-- What identity said of a person. `version` grows with everything this service says about him.
create table profile.person (
    workspace_id  integer not null,
    person_no     integer not null,
    person_id     uuid,
    state         text not null default 'active' check (state in ('active', 'merged', 'erased')),
    redirect_to   integer,
    graph_version bigint not null default 0,
    version       bigint not null default 0,
    received_at   timestamptz not null,
    primary key (workspace_id, person_no)
);
create index person_by_id on profile.person (workspace_id, person_id);
create index person_by_redirect on profile.person (workspace_id, redirect_to) where redirect_to is not null;

-- An identifier. `erased` is a tombstone: later facts under this number are dropped.
create table profile.subject (
    workspace_id  integer not null,
    subject_no    integer not null,
    namespace     text,
    scope         text,
    lookup        bytea,
    sealed_value  text,
    erased        boolean not null default false,
    timezone      text,
    timezone_at   timestamptz,
    locale        text,
    locale_at     timestamptz,
    primary key (workspace_id, subject_no)
);
create index subject_by_lookup on profile.subject (workspace_id, lookup) where lookup is not null;

-- Everything identity ever said about who owns an identifier; `since` year 1 = always.
create table profile.ownership_fact (
    workspace_id integer not null,
    subject_no   integer not null,
    version      bigint not null,
    since        timestamptz not null,
    person_no    integer not null,
    received_at  timestamptz not null,
    primary key (workspace_id, subject_no, version, since)
);
create index ownership_fact_by_person on profile.ownership_fact (workspace_id, person_no);

-- The facts painted over time: who owns an identifier at an event time.
create table profile.ownership (
    workspace_id integer not null,
    subject_no   integer not null,
    valid_from   timestamptz not null,
    valid_to     timestamptz not null,
    person_no    integer not null,
    primary key (workspace_id, subject_no, valid_from)
);
create index ownership_by_person on profile.ownership (workspace_id, person_no);
"""

TRAITS = """
-- What a source said of a trait through an identifier: a set keyed by event. Canonical JSON, sealed where personal.
create table profile.trait_fact (
    workspace_id integer not null,
    subject_no   integer not null,
    trait        text not null,
    event_id     uuid not null,
    source_id    integer not null,
    event_time   timestamptz not null,
    received_at  timestamptz not null,
    kind         text not null check (kind in ('set', 'set_once', 'unset')),
    type         text not null,
    value        text,
    sealed       bytea,
    primary key (workspace_id, subject_no, trait, event_id)
);

-- The fold of a person's facts. Neither value nor sealed: the trait was unset.
create table profile.trait_view (
    workspace_id integer not null,
    person_no    integer not null,
    trait        text not null,
    type         text not null,
    value        jsonb,
    sealed       bytea,
    personal     boolean not null,
    since        timestamptz not null,
    latest       timestamptz not null,
    source_id    integer not null,
    subject_no   integer not null,
    event_id     uuid not null,
    once         boolean not null,
    conflicts    integer not null,
    received_at  timestamptz not null,
    version      bigint not null,
    primary key (workspace_id, person_no, trait)
);

-- Every trait ever seen, by the types it came in.
create table profile.trait_catalogue (
    workspace_id integer not null,
    trait        text not null,
    type         text not null,
    personal     boolean not null,
    primary key (workspace_id, trait, type, personal)
);

create table profile.trait_rule (
    workspace_id integer not null,
    trait        text not null,
    kind         text not null,
    type         text,
    sources      integer[] not null default '{}',
    version      integer not null default 1,
    changed_at   timestamptz not null,
    primary key (workspace_id, trait)
);

-- Traits whose rule changed: the walk over the persons, up to the last one done.
create table profile.refold_queue (
    workspace_id    integer not null,
    trait           text not null,
    after_person_no integer not null default 0,
    primary key (workspace_id, trait)
);
"""

CONTACTS = """
-- An address as an identifier or a trait under it declared it; times are event times.
create table profile.contact_point (
    workspace_id integer not null,
    subject_no   integer not null,
    kind         text not null,
    scope        text not null default '',
    lookup       bytea not null,
    sealed       bytea not null,
    first_time   timestamptz not null,
    last_time    timestamptz not null,
    verified_at  timestamptz,
    primary key (workspace_id, subject_no, kind, scope, lookup)
);

-- What a channel reported of a person's address.
create table profile.contact_report (
    workspace_id integer not null,
    event_id     uuid not null,
    person_no    integer not null,
    kind         text not null,
    state        text not null,
    at           timestamptz not null,
    primary key (workspace_id, event_id)
);
create index contact_report_by_person on profile.contact_report (workspace_id, person_no);
"""

TIMELINE = """
-- What happened. holder_no > 0 is an identifier, so that merges move its rows; < 0 is minus a person_no (messages,
-- journey steps), read through redirects. `body` holds the plain properties, traits and context.
create table profile.timeline (
    workspace_id        integer not null,
    holder_no           integer not null,
    event_time          timestamptz not null,
    event_id            uuid not null,
    person_no_at_ingest integer not null,
    kind                text not null,
    name                text not null,
    source_id           integer not null,
    received_at         timestamptz not null,
    body                text not null,
    sealed              bytea,
    primary key (workspace_id, holder_no, event_time, event_id)
) partition by hash (workspace_id, holder_no);
"""

CONSENT = """
-- Append-only. A line is about an identifier (subject_no, or lookup for one nobody has met yet), or about every
-- identifier that person_no held when the line was received.
create table profile.consent_ledger (
    workspace_id integer not null,
    statement_id uuid not null,
    event_id     uuid not null,
    subject_no   integer not null default 0,
    person_no    integer not null default 0,
    lookup       bytea,
    purpose      text not null,
    channel      text not null,
    topic        text not null default '',
    state        text not null check (state in ('granted', 'denied', 'withdrawn')),
    event_time   timestamptz not null,
    received_at  timestamptz not null,
    expires_at   timestamptz,
    source       text not null,
    source_id    integer not null default 0,
    legal_basis  text not null default '',
    text_version text not null default '',
    text_hash    text not null default '',
    actor        text not null default '',
    proof        bytea,
    primary key (workspace_id, statement_id),
    check ((subject_no <> 0)::int + (person_no <> 0)::int + (lookup is not null)::int = 1)
);
create index consent_by_subject on profile.consent_ledger (workspace_id, subject_no) where subject_no <> 0;
create index consent_by_person on profile.consent_ledger (workspace_id, person_no) where person_no <> 0;
create index consent_by_event on profile.consent_ledger (workspace_id, event_id);
create index consent_by_lookup on profile.consent_ledger (workspace_id, lookup) where lookup is not null;

-- What the ledger says of a person, per scope named in it: what was last published. The ledger itself decides sends.
create table profile.consent_state (
    workspace_id integer not null,
    person_no    integer not null,
    purpose      text not null,
    channel      text not null,
    topic        text not null,
    state        text not null,
    since        timestamptz not null,
    version      bigint not null,
    primary key (workspace_id, person_no, purpose, channel, topic)
);

-- Grants that will expire.
create table profile.consent_expiry (
    workspace_id integer not null,
    person_no    integer not null,
    due_at       timestamptz not null,
    primary key (workspace_id, person_no, due_at)
);
create index consent_expiry_due on profile.consent_expiry (due_at);

create table profile.consent_default (
    workspace_id integer not null,
    purpose      text not null,
    channel      text not null,
    opt_out      boolean not null,
    primary key (workspace_id, purpose, channel)
);

-- The proof that a person's data is gone: counts only.
create table profile.erasure_receipt (
    workspace_id integer not null,
    erasure_id   uuid not null,
    person_id    uuid not null,
    counts       jsonb not null,
    erased_at    timestamptz not null,
    primary key (workspace_id, erasure_id)
);
"""

PROTECTED = (
    "person", "subject", "ownership_fact", "ownership", "trait_fact", "trait_view", "trait_catalogue", "trait_rule",
    "contact_point", "contact_report", "timeline", "consent_ledger", "consent_state", "consent_default",
    "erasure_receipt",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables."""
    execute(*common_tables("profile"), PERSONS, TRAITS, CONTACTS, TIMELINE, CONSENT)
    for table in PROTECTED:
        execute(*protect("profile", table))
    for number in range(TIMELINE_PARTITIONS):
        name = f"timeline_{number}"
        execute(
            f"create table profile.{name} partition of profile.timeline "
            f"for values with (modulus {TIMELINE_PARTITIONS}, remainder {number})",
            *protect("profile", name),
        )
    execute(
        *claim_queue("profile", "refold_queue", app="select, insert, update"),
        *claim_queue("profile", "consent_expiry", app="select, insert"),
        "revoke update, delete on profile.consent_ledger from profile_app",
        "grant delete on profile.consent_ledger to profile_worker",
    )


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
