"""Identifiers taken out of the graph for good: what named them is deleted, and the others are assigned without them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from libs.common.db import Tx
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import pairs, subject
from services.identity.domain.policy import PolicySet
from services.identity.store import evidence, forgetting, nodes
from services.identity.store.evidence import EvidenceRow
from services.identity.store.nodes import Key, key, number_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import load_regions, within_reach
from services.identity.usecases.graph.resolve_evidence import reassign
from services.identity.usecases.graph.stored_evidence import evidence_of, name_nodes
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.weigh_nodes import weights_of


@dataclass(slots=True)
class Gone:
    """Facts that went with the identifiers they were about, and those that lost one of several.

    `bare` are other identifiers that nothing else ever named: they went too, with the persons they were.
    """

    deleted: list[EvidenceRow] = field(default_factory=list)
    trimmed: list[EvidenceRow] = field(default_factory=list)
    bare: dict[Key, Key] = field(default_factory=dict)
    """node -> its owner"""
    anonymous: set[int] = field(default_factory=set)
    """The persons of the time of devices that was nobody's."""


async def forget_nodes(
    tx: Tx, batch: Batch, tools: GraphTools, workspace_id: int, keys: set[Key], *, orphans: set[Key], patient: bool
) -> Gone:
    """Delete locked nodes of a workspace with their links and evidence, and assign their regions, and `orphans`, anew.

    What others share with them stays theirs: evidence filed under another identifier only loses the deleted one.
    """
    batch.leaving = keys
    decided = await load_regions(tx, batch, tools, keys | orphans, keys, patient=patient, held=True)
    numbers = [number_of(one) for one in keys]
    while True:
        near = [number_of(one) for one in within_reach(batch, decided)]
        rows = await evidence.naming(tx, workspace_id, numbers, near)
        others = {key(workspace_id, one) for row in rows for one in row.node_nos} - keys
        distant = {one for one in others - decided if not _is_held_hub(batch, one)}
        if not distant:
            break
        # Whoever changes evidence holds all that it names; a hub at the edge is locked for it, and not walked through.
        decided |= await load_regions(tx, batch, tools, distant, set(), patient=patient, held=True)
    await name_nodes(tx, batch, tools, rows)
    gone = _parted(batch, workspace_id, keys, rows)
    await evidence.delete(tx, gone.deleted)
    await evidence.trim(tx, gone.trimmed)
    await forgetting.delete_nodes(tx, workspace_id, numbers)
    bare = await _weigh_anew(tx, batch, tools, workspace_id, others & decided, near)
    gone.bare = {one: batch.nodes[one].owner for one in bare}
    await forgetting.delete_nodes(tx, workspace_id, [number_of(one) for one in bare])
    gone.anonymous = {batch.nodes[one].anonymous_no for one in keys | bare} - {0}
    for one in keys | bare:
        del batch.nodes[one]
    batch.links.clear()
    batch.watched.clear()
    left = decided - keys - bare
    hubs = {one for one in left if batch.nodes[one].is_shared}
    tools.forget(workspace_id, {batch.names[one] for one in keys | bare})
    await reassign(tx, batch, tools, left, hubs, patient=patient)
    return gone


def _is_held_hub(batch: Batch, one: Key) -> bool:
    return one in batch.nodes and one not in batch.unlocked and batch.nodes[one].is_shared


def _parted(batch: Batch, workspace_id: int, keys: set[Key], rows: Sequence[EvidenceRow]) -> Gone:
    policies = batch.policies[workspace_id]
    erased = {batch.names[one] for one in keys}
    numbers = {batch.names[key(workspace_id, one)]: one for row in rows for one in row.node_nos}
    gone = Gone()
    for row in rows:
        left = without(evidence_of(row, batch), erased, policies)
        if left is None:
            gone.deleted.append(row)
            continue
        row.node_nos = [numbers[one] for one in left.identifiers]
        if row.centre_no not in row.node_nos:
            row.centre_no = numbers[_middle(left, policies)]
        gone.trimmed.append(row)
    return gone


def _middle(left: Evidence, policies: PolicySet) -> Identifier:
    strongest = subject(left, policies) or left.identifiers[0]
    return next((other for _, other in pairs(left, policies)), strongest)


async def _weigh_anew(
    tx: Tx, batch: Batch, tools: GraphTools, workspace_id: int, keys: Collection[Key], near: list[int]
) -> set[Key]:
    """Say anew when nodes were last seen alone and how well they were proved; return those nothing names any more.

    Both are maxima, and what is gone took part in them.
    """
    if not keys:
        return set()
    rows = await evidence.naming(tx, workspace_id, [number_of(one) for one in keys], near)
    await name_nodes(tx, batch, tools, rows)
    found = weights_of(batch, rows)
    named = [one for one in sorted(keys) if one in found.tiers]
    for one in named:
        batch.nodes[one].alone_at = found.alone.get(one)
        batch.nodes[one].best_tier = found.tiers[one]
    if named:
        await nodes.save(tx, [batch.nodes[one] for one in named])
    return set(keys) - set(named)
