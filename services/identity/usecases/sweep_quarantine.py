"""Calls that could not be taken, looked through for the identifiers of an erased person."""

from collections import defaultdict
from collections.abc import Collection

from libs.common.db import Tx
from services.identity.domain.declared_spelling import declared_spelling
from services.identity.domain.evidence import Identifier
from services.identity.domain.mentions import texts_in
from services.identity.domain.policy import Canonical, NamespaceKind, NamespacePolicy, PolicySet
from services.identity.store import erasures, quarantine
from services.identity.store.erasures import ReceiptRow, SweepEntry, Tombstone
from services.identity.usecases.graph.tools import GraphTools

CHUNK_ROWS = 500


async def sweep_quarantine(tx: Tx, entry: SweepEntry, tools: GraphTools) -> None:
    """Delete those of the next chunk of calls that name an erased identifier; at the end identity's receipt is kept."""
    workspace_id = entry.workspace_id
    rows = await quarantine.after(tx, workspace_id, entry.after_id, CHUNK_ROWS)
    erased = await erasures.tombstones_of(tx, workspace_id, entry.erasure_id)
    policies = await tools.present_policies(tx, workspace_id)
    opened = {row.quarantine_id: tools.sealer(workspace_id).open(row.payload) for row in rows}
    found = [one for one, raw in opened.items() if mentions(raw, erased, tools, workspace_id, policies)]
    if found:
        await quarantine.delete(tx, workspace_id, found)
    if rows:
        last = rows[-1].quarantine_id
        await erasures.advance_sweep(tx, entry.erasure_id, after_id=last, found=len(found))
        return
    row = await erasures.find(tx, workspace_id, entry.erasure_id)
    counts = {**(row.counts if row is not None else {}), "quarantined": entry.found}
    receipt = ReceiptRow(entry.erasure_id, "identity", counts, tools.now(workspace_id))
    await erasures.sign(tx, workspace_id, receipt)
    await erasures.end_sweep(tx, entry.erasure_id)


def mentions(
    raw: bytes, erased: Collection[Tombstone], tools: GraphTools, workspace_id: int, policies: PolicySet
) -> bool:
    """Return whether a call, readable or not, names one of the identifiers in any spelling its namespace knows."""
    by_kind: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for one in erased:
        by_kind[one.namespace, one.scope].add(one.lookup)
    for text in texts_in(raw):
        for (namespace, scope), lookups in by_kind.items():
            kind = tools.namespaces.get(namespace) or tools.namespaces["user_id"]
            for value in _spellings(kind, text, scope, policies.of(namespace)):
                if tools.sealed_lookup(workspace_id, Identifier(namespace, scope, value)) in lookups:
                    return True
    return False


def _spellings(kind: NamespaceKind, text: str, scope: str, policy: NamespacePolicy) -> set[str]:
    """Return what a text may be as an identifier, whatever it was called, now and before the policies said so."""
    outcomes = [spell(text, "CN") for spell in {kind.canonical, *kind.named.values()}]
    plain = {one.value for one in outcomes if isinstance(one, Canonical)}
    declared = {declared_spelling(one, scope, policy) for one in plain}
    return plain | {one for one in declared if isinstance(one, str)}
