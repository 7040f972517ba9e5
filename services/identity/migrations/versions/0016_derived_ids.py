"""Evidence that follows from the values of identifiers has its id of their numbers, not of the values."""

from libs.common.db.migration import execute

revision = "0016"
down_revision = "0015"

# As services.identity.domain.twins.id_of_derived: of two telephone numbers' hash, all there are could be tried.
RENAME = """
update identity.evidence
set event_id = encode(
    substr(sha256(convert_to(format('derived/%s/%s/%s', workspace_id, node_nos[1], node_nos[2]), 'UTF8')), 1, 16), 'hex'
)::uuid
where source_id = -1 and cardinality(node_nos) = 2
"""


def upgrade() -> None:
    """Rename them all; what is said once more is found under its new id, and stays one fact."""
    execute(
        # the owner of the table sees every workspace's rows while nobody forces the policy on him
        "alter table identity.evidence no force row level security",
        RENAME,
        "alter table identity.evidence force row level security",
    )


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
