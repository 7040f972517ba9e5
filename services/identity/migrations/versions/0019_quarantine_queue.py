"""Calls that could not be taken, to be looked through for persons who were erased before they came."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue

revision = "0019"
down_revision = "0018"

QUEUE = """
create table identity.quarantine_queue (
    quarantine_id uuid primary key,
    workspace_id  integer not null
);

-- What came after an erasure was never looked through.
insert into identity.quarantine_queue (quarantine_id, workspace_id)
select q.quarantine_id, q.workspace_id
from identity.quarantine q
where exists (select from identity.tombstone t where t.workspace_id = q.workspace_id);
"""


def upgrade() -> None:
    """Make the queue, and put what is held in workspaces with erasures into it."""
    execute(QUEUE, *claim_queue("identity", "quarantine_queue"))


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
