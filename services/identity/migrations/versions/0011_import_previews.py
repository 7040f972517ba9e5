"""Imports tried before they are taken: what was asked, how far it is, and what the file would do."""

from libs.common.db.migration import execute
from libs.common.db.schema import claim_queue, protect

revision = "0011"
down_revision = "0010"

PREVIEWS = """
create table identity.import_preview (
    workspace_id integer not null,
    preview_id   uuid not null,
    source_id    integer not null,
    file_name    text not null,
    file_path    text not null,
    file_hash    text not null,
    format       text not null,
    mapping      jsonb not null,
    state        text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    total_rows   bigint not null,
    rows_read    bigint not null default 0,
    begun        integer not null default 0,
    report       jsonb,
    why          text not null default '',
    created_at   timestamptz not null,
    finished_at  timestamptz,
    primary key (workspace_id, preview_id)
);

create table identity.import_preview_queue (
    preview_id   uuid primary key,
    workspace_id integer not null
);
"""


def upgrade() -> None:
    """Make the tables."""
    tables = (*protect("identity", "import_preview"), *claim_queue("identity", "import_preview_queue"))
    execute(PREVIEWS, *tables)


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
