"""What is allowed with an identifier whatever the channel, as it was last told to identity."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0002"
down_revision = "0005"

PERMISSIONS = """
create table profile.permission (
    workspace_id integer not null,
    subject_no   integer not null,
    purpose      text not null,
    steps        jsonb not null,
    version      bigint not null,
    received_at  timestamptz not null,
    primary key (workspace_id, subject_no, purpose)
);

-- Versions grow for ever, also where nothing is said any more and something is said anew.
create sequence profile.permission_version;
"""

TELL_WHAT_IS_KNOWN = """
select set_config('app.workspaces', coalesce('{' || string_agg(workspace_id::text, ',') || '}', ''), true)
from profile.workspace;

-- The job that looks at expired grants publishes whatever is different.
insert into profile.consent_expiry (workspace_id, person_no, due_at)
select distinct o.workspace_id, o.person_no, now()
from profile.ownership o
join profile.consent_ledger l on l.workspace_id = o.workspace_id and l.channel = '*' and l.topic = '' and (
    l.subject_no = o.subject_no
    or l.person_no = o.person_no
    or l.lookup = (
        select s.lookup from profile.subject s
        where s.workspace_id = o.workspace_id and s.subject_no = o.subject_no
    )
)
on conflict do nothing;
"""


def upgrade() -> None:
    """Make the table, and have what the ledger holds already told."""
    execute(
        PERMISSIONS,
        *protect("profile", "permission"),
        "grant usage on sequence profile.permission_version to profile_app",
        TELL_WHAT_IS_KNOWN,
    )


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
