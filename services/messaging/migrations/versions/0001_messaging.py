"""The house's tables, the ledger of intents, what was handed over, and the rules."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, common_tables, protect

revision = "0001"
down_revision = None

PERSONS = """
-- Who was ever written to: the row that is locked while slots of his caps are given out.
create table messaging.person (
    workspace_id   integer not null,
    person_no      integer not null,
    merged_into    integer,
    graph_version  bigint not null default 0,
    erased_at      timestamptz,
    window_ends_at timestamptz,
    primary key (workspace_id, person_no)
);

-- A slot taken: counts against every cap it fits, from the gate on. A row, not a counter: windows roll by themselves
-- and a merge adds the counts of both by moving rows.
create table messaging.reservation (
    workspace_id   integer not null,
    intent_id      uuid not null,
    channel        text not null,
    person_no      integer not null,
    state          text not null check (state in ('reserved', 'confirmed')),
    message_class  text not null,
    category       text not null,
    campaign       text not null,
    topic          text not null,
    content_key    bytea not null,
    window_ends_at timestamptz,
    at             timestamptz not null,
    primary key (workspace_id, intent_id, channel)
);
create index reservation_person on messaging.reservation (workspace_id, person_no, at);

-- One address shared by two persons gets one content once.
create table messaging.address_claim (
    workspace_id   integer not null,
    address_lookup bytea not null,
    content_key    bytea not null,
    person_no      integer not null,
    intent_id      uuid not null,
    at             timestamptz not null,
    primary key (workspace_id, address_lookup, content_key)
);
"""

INTENTS = """
create table messaging.intent (
    workspace_id           integer not null,
    intent_id              uuid not null,
    idempotency_key        text not null,
    person_no              integer not null,
    person_id              uuid,
    origin                 text not null check (origin in ('journey', 'api', 'campaign')),
    journey_id             uuid,
    journey_version        integer,
    run_id                 uuid,
    node                   text not null default '',
    visit                  integer not null default 0,
    campaign_id            uuid,
    campaign               text not null default '',
    template_id            uuid,
    template_key           text,
    content                jsonb,
    content_key            bytea not null default '',
    channels               text[] not null,
    channel_index          smallint not null default 0,
    message_class          text not null check (message_class in ('transactional', 'service', 'marketing')),
    purpose                text not null,
    category               text not null default '',
    topic                  text not null default '',
    priority               integer not null default 0,
    value                  double precision not null default 0,
    on_lose                text not null default 'drop' check (on_lose in ('drop', 'defer')),
    fallback_after_seconds double precision,
    window_ends_at         timestamptz,
    context                jsonb not null default '{}',
    sealed                 text,
    requested_at           timestamptz not null,
    received_at            timestamptz not null,
    expires_at             timestamptz not null,
    state                  text not null default 'queued',
    channel                text not null default '',
    reason                 text not null default '',
    detail                 jsonb not null default '{}',
    attempts               integer not null default 0,
    changed_at             timestamptz not null,
    primary key (workspace_id, intent_id),
    unique (workspace_id, idempotency_key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index intent_person on messaging.intent (workspace_id, person_no, intent_id);
create index intent_journey on messaging.intent (workspace_id, journey_id, node) where journey_id is not null;
create index intent_campaign on messaging.intent (workspace_id, campaign_id) where campaign_id is not null;

-- What is still to do, and when in the workspace's time; `available_at` is real time: a lease or a pause. Lane 0 holds
-- the transactional ones: a receipt does not wait behind a million newsletters.
create table messaging.intent_queue (
    workspace_id integer not null,
    intent_id    uuid not null,
    step         text not null check (step in ('send', 'handoff', 'fallback')),
    lane         smallint not null,
    due_at       timestamptz not null,
    available_at timestamptz not null default '-infinity',
    primary key (workspace_id, intent_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index intent_queue_due on messaging.intent_queue (workspace_id, step, lane, due_at, available_at);

-- The trail: every decision and every report of a message, in order.
create table messaging.step (
    workspace_id integer not null,
    step_no      bigint generated always as identity,
    intent_id    uuid not null,
    at           timestamptz not null,
    state        text not null,
    channel      text not null default '',
    reason       text not null default '',
    detail       jsonb not null default '{}',
    primary key (workspace_id, intent_id, step_no)
);

-- What left the house: written as `submitted` and committed before the provider is called.
create table messaging.handoff (
    workspace_id     integer not null,
    intent_id        uuid not null,
    channel          text not null,
    message_id       text not null,
    state            text not null,
    attempt          integer not null default 1,
    address_lookup   bytea,
    address_sealed   text,
    content_sealed   text,
    language         text not null default '',
    template_version integer,
    error_code       text not null default '',
    error_raw        text not null default '',
    submitted_at     timestamptz not null,
    changed_at       timestamptz not null,
    primary key (workspace_id, intent_id, channel)
) with (fillfactor = 80);

-- Each report once, whatever number of times a provider repeats it.
create table messaging.receipt (
    workspace_id integer not null,
    intent_id    uuid not null,
    channel      text not null,
    state        text not null,
    link         text not null default '',
    human        boolean not null default true,
    at           timestamptz not null,
    primary key (workspace_id, intent_id, channel, state, link, human)
);
"""

RULES = """
create table messaging.policy (
    workspace_id integer primary key,
    version      integer not null,
    document     jsonb not null,
    changed_at   timestamptz not null
);

create table messaging.template (
    workspace_id integer not null,
    template_id  uuid not null,
    key          text not null,
    name         text not null,
    version      integer not null,
    changed_at   timestamptz not null,
    primary key (workspace_id, template_id),
    unique (workspace_id, key)
);

create table messaging.template_version (
    workspace_id integer not null,
    template_id  uuid not null,
    version      integer not null,
    document     jsonb not null,
    created_at   timestamptz not null,
    created_by   text not null default '',
    primary key (workspace_id, template_id, version)
);

-- Addresses never written to again, by keyed hash; an empty channel means every channel.
create table messaging.suppression (
    workspace_id   integer not null,
    address_lookup bytea not null,
    channel        text not null default '',
    reason         text not null,
    suppressed_at  timestamptz not null,
    primary key (workspace_id, address_lookup, channel)
);

-- Unsubscriptions taken here: in force at once, kept until profile has them.
create table messaging.withdrawal (
    workspace_id  integer not null,
    withdrawal_id uuid not null,
    person_no     integer not null,
    purpose       text not null,
    channel       text not null,
    topic         text not null default '',
    intent_id     uuid not null,
    withdrawn_at  timestamptz not null,
    primary key (workspace_id, withdrawal_id)
);
create index withdrawal_person on messaging.withdrawal (workspace_id, person_no);

create table messaging.withdrawal_queue (
    workspace_id  integer not null,
    withdrawal_id uuid not null,
    available_at  timestamptz not null default '-infinity',
    primary key (workspace_id, withdrawal_id)
);

create table messaging.inbox_message (
    workspace_id integer not null,
    intent_id    uuid not null,
    person_no    integer not null,
    content_sealed text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    read_at      timestamptz,
    primary key (workspace_id, intent_id)
);
create index inbox_message_person on messaging.inbox_message (workspace_id, person_no, intent_id);
"""

PROTECTED = (
    "person", "reservation", "address_claim", "intent", "step", "handoff", "receipt", "policy", "template",
    "template_version", "suppression", "withdrawal", "inbox_message",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables."""
    execute(
        *common_tables("messaging"),
        PERSONS,
        INTENTS,
        RULES,
        *(line for table in PROTECTED for line in protect("messaging", table)),
        *claim_queue("messaging", "intent_queue"),
        *claim_queue("messaging", "withdrawal_queue"),
    )
