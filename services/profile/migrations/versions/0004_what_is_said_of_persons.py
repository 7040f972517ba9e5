"""What was last said of a person outlives the moment: when a grant ends, where scopes meet, how he can be reached."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0004"
down_revision = "0001"

TABLES = """
-- `is_named` false: no statement names the scope, several that are named meet in it.
alter table profile.consent_state
    add column until timestamptz,
    add column after text not null default 'unknown',
    add column is_named boolean not null default true;

-- Counts the declarations of what silence means; they are in consent_default.
create table profile.consent_policy (
    workspace_id integer primary key,
    version      bigint not null,
    declared_at  timestamptz not null
);

-- The channels on which a person was last said to have a usable address.
create table profile.contact_state (
    workspace_id integer not null,
    person_no    integer not null,
    channel      text not null,
    version      bigint not null,
    received_at  timestamptz not null,
    primary key (workspace_id, person_no, channel)
);

-- Everybody with a word of consent is looked at once, so that what is said of him is complete.
do $$ begin
    perform set_config(
        'app.workspaces', (select coalesce(array_agg(workspace_id), '{}')::text from profile.workspace), true
    );
    insert into profile.consent_expiry (workspace_id, person_no, due_at)
    select distinct workspace_id, person_no, timestamptz 'epoch' from profile.consent_state
    on conflict do nothing;
end $$;
"""


def upgrade() -> None:
    """Make the tables."""
    execute(TABLES, *protect("profile", "consent_policy"), *protect("profile", "contact_state"))
