"""Subjects that belong to one person now and to another then."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0004"
down_revision = "0003"

TIMES = """
-- What identity said of subjects of which it said anything for a part of time; `since` year 1 is always.
create table segment.ownership_fact (
    workspace_id integer not null,
    subject_no   bigint not null,
    version      bigint not null,
    since        timestamptz not null,
    until        timestamptz,
    person_no    integer not null,
    primary key (workspace_id, subject_no, version, since)
);

-- That, painted over time: from `since` to the next span a subject's events were told to be `told_no`'s, who is
-- `person_no` now.
create table segment.ownership_span (
    workspace_id integer not null,
    subject_no   bigint not null,
    since        timestamptz not null,
    told_no      integer not null,
    person_no    integer not null,
    primary key (workspace_id, subject_no, since)
);
create index ownership_span_person on segment.ownership_span (workspace_id, person_no);
create index ownership_span_told on segment.ownership_span (workspace_id, told_no) where told_no <> person_no;
"""


def upgrade() -> None:
    """Make the tables."""
    execute(TIMES, *protect("segment", "ownership_fact"), *protect("segment", "ownership_span"))
