"""What is no longer looked back at is found by its age."""

from libs.common.db.migration import execute

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Index the claims of addresses by age; the other tables that are swept are in the order of their ids."""
    execute("create index address_claim_age on messaging.address_claim (workspace_id, at)")
