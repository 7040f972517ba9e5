"""Since when a person is known, who belongs to which account, and of which type a trait is declared."""

from libs.common.db.migration import execute
from libs.common.db.schema import protect

revision = "0003"
down_revision = "0002"

TABLES = """
alter table segment.person add column first_known timestamptz;
-- those merged into somebody, downwards
create index person_merged_into on segment.person (workspace_id, merged_into) where merged_into is not null;

-- Which subjects group calls linked to which account; who owns a subject says subject.
create table segment.account_member (
    workspace_id integer not null,
    account      text not null,
    subject_no   bigint not null,
    primary key (workspace_id, account, subject_no)
);
create index account_member_of_subject on segment.account_member (workspace_id, subject_no);

-- The type a trait is declared to have; none of the type means it is declared no more.
create table segment.trait_type (
    workspace_id integer not null,
    name         text not null,
    type         text,
    version      bigint not null,
    primary key (workspace_id, name)
);
"""


def upgrade() -> None:
    """Add the column and the tables."""
    execute(TABLES, *protect("segment", "account_member"), *protect("segment", "trait_type"))
