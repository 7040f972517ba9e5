"""Tags: a catalogue, what was said through identifiers, what each person has, and whom to look at again."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0005"
down_revision = "0003"

TABLES = """
-- `event` and `filters` of kind event, `rule` (a condition in the language of segments) of kind rule.
create table profile.tag_catalogue (
    workspace_id integer not null,
    tag          text not null,
    tag_group    text not null,
    owner        text not null,
    description  text not null,
    kind         text not null check (kind in ('manual', 'rule', 'event')),
    refresh      text not null check (refresh in ('streaming', 'daily')),
    ttl_seconds  bigint,
    event        text not null default '',
    filters      text not null default '[]',
    rule         text not null default '',
    version      integer not null default 1,
    changed_at   timestamptz not null,
    refreshed_at timestamptz not null,
    primary key (workspace_id, tag)
);
create index tag_by_event on profile.tag_catalogue (workspace_id, event) where kind = 'event';

-- What was said of a tag through an identifier, by hand or by an event: a set keyed by what said it.
create table profile.tag_fact (
    workspace_id integer not null,
    subject_no   integer not null,
    tag          text not null,
    fact_id      uuid not null,
    word         text not null check (word in ('assign', 'remove')),
    source       text not null check (source in ('manual', 'event')),
    rule_version integer not null,
    at           timestamptz not null,
    received_at  timestamptz not null,
    expires_at   timestamptz,
    primary key (workspace_id, subject_no, tag, fact_id)
);

-- The tags a person has: the fold of facts, or what the rule of that version answered.
create table profile.tag_view (
    workspace_id integer not null,
    person_no    integer not null,
    tag          text not null,
    source       text not null,
    since        timestamptz not null,
    rule_version integer not null,
    computed_at  timestamptz not null,
    expires_at   timestamptz,
    version      bigint not null,
    primary key (workspace_id, person_no, tag)
);
create index tag_view_by_tag on profile.tag_view (workspace_id, tag);

-- Tags to be computed again for everybody: how far the walk is (persons of a rule, identifiers of an event).
create table profile.tag_walk (
    workspace_id integer not null,
    tag          text not null,
    version      integer not null,
    is_edit      boolean not null,
    after_no     integer not null default 0,
    primary key (workspace_id, tag)
);

-- Persons whose rules are to be asked: `*` those that stream, `**` all, or tags by name; `~` silently. Leased while
-- they are asked.
create sequence profile.tag_touch_number;
create table profile.tag_touch (
    workspace_id integer not null,
    person_no    integer not null,
    tags         text[] not null,
    touch_no     bigint not null default nextval('profile.tag_touch_number'),
    received_at  timestamptz not null,
    leased_until timestamptz not null default '-infinity',
    primary key (workspace_id, person_no)
);
grant usage on sequence profile.tag_touch_number to profile_app, profile_worker;
"""


def upgrade() -> None:
    """Make the tables."""
    execute(
        TABLES,
        *(line for table in ("tag_catalogue", "tag_fact", "tag_view") for line in protect("profile", table)),
        *claim_queue("profile", "tag_walk", app="select, insert, update"),
        *claim_queue("profile", "tag_touch", app="select, insert, update"),
    )
