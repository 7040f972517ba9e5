"""Columnar rows of subjects that changed hands are laid under their owner."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0005"
down_revision = "0004"

SQUASH = """
-- A squash of a workspace's overrides. What it copies is of generation 2 * squash_no - 1, what is staged after its
-- beginning of the next, so that old rows, copies and news are told apart. `given_up`: its copies have to go.
create table segment.squash (
    workspace_id     integer not null,
    squash_no        integer not null,
    phase            text not null default 'begun'
                     check (phase in ('begun', 'copying', 'copied', 'given_up', 'finished')),
    phase_at         timestamptz not null default clock_timestamp(),
    begun_at         timestamptz not null default clock_timestamp(),
    subjects         integer not null,
    -- greater than the version of every override that was sent for them before
    override_version bigint not null,
    primary key (workspace_id, squash_no)
);
create unique index squash_open on segment.squash (workspace_id) where phase <> 'finished';

-- The subjects of the open one: to whom their rows go, and under whom they lay when it began.
create table segment.squash_subject (
    workspace_id integer not null,
    subject_no   bigint not null,
    person_no    integer not null,
    stored_under integer[] not null,
    primary key (workspace_id, subject_no)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(
        SQUASH,
        *protect("segment", "squash_subject"),
        *claim_queue("segment", "squash", app="select"),
    )
