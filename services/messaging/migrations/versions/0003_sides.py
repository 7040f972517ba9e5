"""Whose a message is when merges are undone."""

from libs.common.db.migration import execute

revision = "0003"
down_revision = "0002"

# side_no: whose the message is when the merges behind person_no are undone; null while that is person_no himself.
# subject_no: the identifier it was addressed to or its run was entered by; 0 where nobody knows.
INTENTS = """
alter table messaging.intent
    add column side_no integer,
    add column subject_no integer not null default 0;
create index intent_side on messaging.intent (workspace_id, person_no) where side_no is not null;
create index intent_by_side on messaging.intent (workspace_id, side_no) where side_no is not null;
"""

# Whoever merged into somebody comes along when that one parts again: who those are.
PERSONS = "create index person_merged on messaging.person (workspace_id, merged_into) where merged_into is not null"

# Whose a claim is says its intent, which follows merges and their undoing.
CLAIMS = "alter table messaging.address_claim drop column person_no"


def upgrade() -> None:
    """Add the columns; no row is rewritten."""
    execute(INTENTS, PERSONS, CLAIMS)
