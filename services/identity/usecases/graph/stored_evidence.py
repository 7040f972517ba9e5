"""Stored evidence told in identifiers."""

from collections.abc import Collection

from libs.common.db import Tx
from services.identity.domain.evidence import Evidence
from services.identity.store import nodes
from services.identity.store.evidence import EvidenceRow
from services.identity.store.nodes import key
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools


async def name_nodes(tx: Tx, batch: Batch, tools: GraphTools, rows: Collection[EvidenceRow]) -> None:
    """Learn the names of all identifiers that evidence mentions."""
    missing = {key(row.workspace_id, one) for row in rows for one in row.node_nos} - batch.names.keys()
    for row in await nodes.read(tx, missing) if missing else ():
        batch.names[row.key] = name_of(row, tools)


def evidence_of(row: EvidenceRow, batch: Batch) -> Evidence:
    """Return a stored fact in identifiers; those that are named in the batch."""
    keys = [key(row.workspace_id, one) for one in row.node_nos]
    return Evidence(
        event_id=row.event_id,
        source_id=row.source_id,
        kind=row.kind,  # type: ignore[arg-type]
        tier=row.tier,
        event_time=row.event_time,
        first_received_at=row.first_received_at,
        identifiers=tuple(batch.names[one] for one in keys if one in batch.names),
        rule_version=row.rule_version,
        consent_basis=row.consent_basis,
        part=row.part,
    )
