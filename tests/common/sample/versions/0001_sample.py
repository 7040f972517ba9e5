"""A small service's tables, for the tests of the shared rooms."""

from libs.common.db import schema
from libs.common.db.migration import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(*schema.common_tables("sample"))
    execute(
        "create table sample.note (workspace_id integer not null, note_id uuid primary key, body jsonb not null);"
        "create table sample.note_due (note_id uuid primary key, workspace_id integer not null, due_at timestamptz);",
        *schema.protect("sample", "note"),
        *schema.claim_queue("sample", "note_due"),
    )
