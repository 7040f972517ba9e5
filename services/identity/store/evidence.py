"""Evidence as rows: appended once per event id, read back to explain and to add up anew."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.db.as_text import Instants, numbers, words
from services.identity.store.nodes import Key, columns, sparse

_APPEND = load_sql(__file__, "append_evidence.sql")
_CENTRED = load_sql(__file__, "evidence_centred.sql")
_NAMING = load_sql(__file__, "evidence_naming.sql")
_POSTED = "unnest(:workspace_ids::int[], :event_ids::uuid[], :parts::smallint[])"
_SAME = "e.workspace_id = p.workspace_id and e.event_id = p.event_id and e.part = p.part"
_LOOSEN = statement(
    f"update evidence e set is_loose = true from {_POSTED} as p (workspace_id, event_id, part) where {_SAME}"
)
_DELETE = statement(f"delete from evidence e using {_POSTED} as p (workspace_id, event_id, part) where {_SAME}")
_TRIM = statement(
    "update evidence e set node_nos = p.node_nos::int[], centre_no = p.centre_no"
    " from unnest(:workspace_ids::int[], :event_ids::uuid[], :parts::smallint[], :node_nos::text[], :centre_nos::int[])"
    f" as p (workspace_id, event_id, part, node_nos, centre_no) where {_SAME}"
)


class EvidenceRow(msgspec.Struct, gc=False):
    """One fact about identifiers, by their numbers in the order of the source."""

    workspace_id: int
    event_id: UUID
    part: int
    source_id: int
    kind: str
    tier: int
    event_time: datetime
    first_received_at: datetime
    rule_version: int
    consent_basis: str | None
    node_nos: list[int]
    centre_no: int
    author: str | None = None
    is_loose: bool = False


async def append(tx: Tx, rows: Sequence[EvidenceRow]) -> set[tuple[int, UUID, int]] | None:
    """Append evidence; return (workspace, event id, part) of what was not there yet, None where all was new."""
    instants = Instants()
    new = await tx.fetch(
        _APPEND,
        workspace_ids=numbers([row.workspace_id for row in rows]),
        event_ids=[row.event_id for row in rows],
        parts=numbers([row.part for row in rows]),
        source_ids=numbers([row.source_id for row in rows]),
        kinds=words([row.kind for row in rows]),
        tiers=numbers([row.tier for row in rows]),
        event_times=instants.column([row.event_time for row in rows]),
        received_ats=instants.column([row.first_received_at for row in rows]),
        instants=instants.listed,
        rule_versions=numbers([row.rule_version for row in rows]),
        bases=words([row.consent_basis for row in rows]),
        node_nos=";".join([numbers(row.node_nos) for row in rows]),
        centre_nos=numbers([row.centre_no for row in rows]),
        authors=sparse([row.author for row in rows]),
        loose=numbers([row.is_loose for row in rows]),
    )
    return None if len(new) == len(rows) else {(one[0], one[1], one[2]) for one in new}


async def centred(tx: Tx, keys: Collection[Key]) -> list[EvidenceRow]:
    """Return the evidence whose star has one of the nodes in its middle."""
    workspace_ids, node_nos = columns(keys)
    rows = await tx.fetch(_CENTRED, workspace_ids=workspace_ids, node_nos=node_nos)
    return [EvidenceRow(**dict(row)) for row in rows]


async def naming(
    tx: Tx, workspace_id: int, node_nos: Collection[int], centre_nos: Collection[int]
) -> list[EvidenceRow]:
    """Return the evidence that names one of the nodes, of that centred on `centre_nos` and of all that is loose."""
    rows = await tx.fetch(_NAMING, workspace_id=workspace_id, node_nos=list(node_nos), centre_nos=list(centre_nos))
    return [EvidenceRow(**dict(row)) for row in rows]


async def loosen(tx: Tx, rows: Sequence[EvidenceRow]) -> None:
    """Note that evidence names identifiers which it links to nothing."""
    await tx.execute(_LOOSEN, **_names(rows))


async def delete(tx: Tx, rows: Sequence[EvidenceRow]) -> int:
    """Delete evidence for good; return how many rows."""
    return await tx.execute(_DELETE, **_names(rows)) if rows else 0


async def trim(tx: Tx, rows: Sequence[EvidenceRow]) -> None:
    """Write the identifiers that evidence is left with, and its middle."""
    if rows:
        await tx.execute(
            _TRIM,
            **_names(rows),
            node_nos=["{" + ",".join(map(str, row.node_nos)) + "}" for row in rows],
            centre_nos=[row.centre_no for row in rows],
        )


def _names(rows: Sequence[EvidenceRow]) -> dict[str, object]:
    return {
        "workspace_ids": [row.workspace_id for row in rows],
        "event_ids": [row.event_id for row in rows],
        "parts": [row.part for row in rows],
    }
