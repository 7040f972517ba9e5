"""Which address an identifier itself is, so that a telephone number is found to be another's."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0008"
down_revision = "0007"

OWN = """
-- the identifier is this address; the others were told by traits under it
alter table profile.contact_point add column own boolean not null default false;
create index contact_point_own_phone on profile.contact_point (workspace_id, lookup) where own and kind = 'phone';

-- A telephone number, by its keyed hash: locked by whoever declares it and by whoever changes who owns it, so that
-- neither misses the other.
create table profile.phone (
    workspace_id integer not null,
    lookup       bytea not null,
    primary key (workspace_id, lookup)
);
"""
# an identifier under which several of its kind were told cannot be told apart by the hashes: identity names it anew
BACKFILL = """
update profile.contact_point c set own = true
from profile.subject s
where s.workspace_id = c.workspace_id and s.subject_no = c.subject_no and s.namespace = c.kind
  and not exists (
    select 1 from profile.contact_point o
    where o.workspace_id = c.workspace_id and o.subject_no = c.subject_no and o.kind = c.kind
      and (o.scope, o.lookup) <> (c.scope, c.lookup)
  )
"""
FORCED = ("contact_point", "subject")


def upgrade() -> None:
    """Add the column and the table; what is known of identifiers is taken over."""
    execute(
        OWN,
        *protect("profile", "phone"),
        # the owner of the tables sees every workspace's rows while nobody forces the policy on him
        *(f"alter table profile.{table} no force row level security" for table in FORCED),
        BACKFILL,
        *(f"alter table profile.{table} force row level security" for table in FORCED),
    )
