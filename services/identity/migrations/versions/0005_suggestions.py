"""Pairs of persons who may be one: the queue for somebody to decide, and what was decided."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0005"
down_revision = "0004"

SUGGESTIONS = """
-- A pair by the identifiers that stand for its two sides, since persons come and go. A refused link brings its own two
-- ends along: the suggestion holds while that link is refused. The waterfall says what spoke for it, without values.
create table identity.suggestion (
    workspace_id  integer not null,
    suggestion_id uuid not null,
    low_no        integer not null,
    high_no       integer not null,
    origin        text not null check (origin in ('refused_link', 'score')),
    reason        text not null,
    score         double precision,
    waterfall     jsonb not null default '[]',
    link_low      integer,
    link_high     integer,
    state         text not null default 'open' check (state in ('open', 'accepted', 'refused')),
    created_at    timestamptz not null,
    decided_at    timestamptz,
    author        text,
    primary key (workspace_id, suggestion_id),
    check (low_no < high_no)
);
create unique index suggestion_pair on identity.suggestion (workspace_id, low_no, high_no);
create index suggestion_high on identity.suggestion (workspace_id, high_no);

-- The model that scores pairs, sealed: it knows how frequent names are. The highest version is in force.
create table identity.match_model (
    workspace_id integer not null,
    version      integer not null,
    sealed       bytea not null,
    created_at   timestamptz not null,
    primary key (workspace_id, version)
);
"""


def upgrade() -> None:
    """Make the tables."""
    execute(SUGGESTIONS, *(line for table in ("suggestion", "match_model") for line in protect("identity", table)))
