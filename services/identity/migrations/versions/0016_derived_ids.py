"""Evidence that follows from the values of identifiers gets its id of their numbers, not of the values."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue

revision = "0016"
down_revision = "0015"

RENAMING = """
-- Passes over the evidence of a workspace, and how far each is: what has an id of its values is renamed, in the
-- background, since reading all evidence takes as long as there is of it.
create table identity.renaming_queue (
    workspace_id integer not null,
    due_at       timestamptz not null,
    after_id     uuid not null default '00000000-0000-0000-0000-000000000000',
    primary key (workspace_id, due_at)
);

-- The second pass is for what processes of before say while they are replaced.
insert into identity.renaming_queue (workspace_id, due_at)
select workspace_id, now() + wait from identity.workspace, unnest(array[interval '0', interval '1 day']) as wait;
"""


def upgrade() -> None:
    """Queue two passes for every workspace; no evidence is read or written here."""
    execute(RENAMING, *claim_queue("identity", "renaming_queue", app=""))


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
