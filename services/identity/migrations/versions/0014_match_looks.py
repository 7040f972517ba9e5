"""Persons who changed are scored in the background: how far that is, and in what persons agree."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0014"
down_revision = "0013"

LOOKS = """
-- Workspaces with a model: when its persons are looked at next, and how far. A new model begins with all of them
-- (`after_person`; null: done), then come those of whom something was told after (`after_at`, `after_id`).
create table identity.match_look (
    workspace_id integer primary key,
    version      integer not null,
    due_at       timestamptz not null,
    taken_until  timestamptz not null default '-infinity',
    after_person integer default 0,
    after_at     timestamptz not null,
    after_id     uuid not null default '00000000-0000-0000-0000-000000000000',
    looked_at    timestamptz,
    persons      bigint not null default 0,
    compared     bigint not null default 0,
    suggested    bigint not null default 0
);
create index match_look_due on identity.match_look (due_at);

-- What persons agree in, as keyed hashes of the values by which a model chooses the pairs it looks at.
create table identity.match_block (
    workspace_id integer not null,
    block        bytea not null,
    person_no    integer not null,
    primary key (workspace_id, block, person_no)
);
create index match_block_person on identity.match_block (workspace_id, person_no);
"""


def upgrade() -> None:
    """Make the tables; a model begins to look when it is put, so one from before has to be put again."""
    execute(
        LOOKS,
        *protect("identity", "match_block"),
        *claim_queue("identity", "match_look", app="select, insert, update"),
    )


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
