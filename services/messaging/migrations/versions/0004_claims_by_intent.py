"""An erasure takes the claims of addresses by their messages."""

from libs.common.db.migration import execute

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Index the claims by message; the table holds what the windows look back at, 35 days where none is longer."""
    execute("create index address_claim_intent on messaging.address_claim (workspace_id, intent_id)")
