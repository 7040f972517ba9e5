"""New identifiers that are the hash of a known one, or whose hash is known: evidence of its own."""

from libs.common.db import Tx
from libs.common.errors import Unavailable
from services.identity.domain.twins import id_of_derived, twin_evidence, twins_of
from services.identity.store import erasures, nodes, twins
from services.identity.store.nodes import Key, number_of, workspace_of
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools


async def find_twins(tx: Tx, batch: Batch, tools: GraphTools) -> None:
    """Add to the batch that its new identifiers are the same as others, where that is so."""
    rows = _noted(batch, tools)
    if not rows:
        return
    pairs = await twins.note(tx, rows)
    hashed = {(row[0], row[1]) for row in rows if row[3] is not None}
    if hashed and await erasures.buried_among(tx, hashed):
        # Its plain one was erased while this transaction waited for it, and the hash with it.
        raise Unavailable("an identifier was erased at this moment; send it again", retry_after_seconds=1)
    unnamed = {one for pair in pairs for one in pair if one not in batch.names}
    for row in await nodes.read(tx, unnamed) if unnamed else ():
        batch.names[row.key] = name_of(row, tools)
    known = [pair for pair in pairs if batch.names.keys() >= set(pair)]
    batch.facts = [*batch.facts, *(_fact(batch, plain, hashed) for plain, hashed in known)]


def _noted(batch: Batch, tools: GraphTools) -> list[twins.Noted]:
    rows: dict[tuple[int, bytes], twins.Noted] = {}
    for one in batch.fresh:
        identifier, workspace_id = batch.names[one], workspace_of(one)
        for twin in twins_of(identifier, tools.namespaces.get(identifier.namespace)):
            name = workspace_id, tools.sealed_lookup(workspace_id, twin)
            rows[name] = (*name, number_of(one), rows[name][3] if name in rows else None)
        if identifier.namespace in tools.hashes:
            name = workspace_id, tools.lookup(workspace_id, identifier)
            rows[name] = (*name, rows[name][2] if name in rows else None, number_of(one))
    return list(rows.values())


def _fact(batch: Batch, plain: Key, hashed: Key) -> Fact:
    workspace_id = workspace_of(plain)
    received_at = max(fact.evidence.first_received_at for fact in batch.facts if fact.workspace_id == workspace_id)
    names = batch.names[plain], batch.names[hashed]
    for one, name in zip((plain, hashed), names, strict=True):
        batch.keys[workspace_id, name] = one
    event_id = id_of_derived(workspace_id, number_of(plain), number_of(hashed))
    said = twin_evidence(*names, event_id=event_id, received_at=received_at)
    return Fact(workspace_id, said, keys=[plain, hashed])
