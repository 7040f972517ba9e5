"""Links added up anew from the evidence, as the policies in force read it."""

from collections.abc import Collection

from libs.common.db import Tx
from services.identity.domain.graph import WAITING
from services.identity.domain.links import LinkFacts, facts_of, pairs
from services.identity.domain.respelling import is_void
from services.identity.domain.twins import TWIN_SOURCE
from services.identity.store import evidence, holds, links
from services.identity.store.evidence import EvidenceRow
from services.identity.store.holds import EFFECTS
from services.identity.store.links import Decision, Pair
from services.identity.store.nodes import Key, key
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import load_regions, within_reach
from services.identity.usecases.graph.stored_evidence import evidence_of, name_nodes
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.weigh_nodes import weigh_nodes


async def reread_regions(tx: Tx, batch: Batch, tools: GraphTools, stirred: set[Key], *, patient: bool) -> set[Key]:
    """Replace the links of the regions of nodes, and what is known of each by itself, by what their evidence says under
    the batch's policies.

    Return the nodes of these regions: all have to be assigned anew. A star has the same members under every policy, but
    another middle: what hung on a member may hang on a hub now, through which nothing is reached.
    """
    decided = await load_regions(tx, batch, tools, stirred, stirred, patient=patient, held=True)
    asked: set[Key] = set()
    while True:
        rows = await evidence.centred(tx, within_reach(batch, decided))
        inside = [row for row in rows if any(key(row.workspace_id, one) in decided for one in row.node_nos)]
        await name_nodes(tx, batch, tools, inside)
        _note_void_aliases(batch, inside)
        # What is declared no more leads to no alias, and whoever was left with nothing but one is to end.
        distant = batch.void_aliases.keys() - decided - asked
        if not distant:
            break
        asked |= distant
        decided |= await load_regions(tx, batch, tools, distant, distant, patient=patient, held=True)
    facts: dict[tuple[Pair, str], LinkFacts] = {}
    loose = [row for row in inside if _add_up(batch, row, facts) and not row.is_loose]
    if loose:
        await evidence.loosen(tx, loose)
    stale = {pair for pair in batch.links if decided & set(pair)}
    wanted = {name: one for name, one in facts.items() if decided & set(name[0])}
    await weigh_nodes(tx, batch, tools, decided, inside)
    await links.drop(tx, stale)
    await links.merge(tx, wanted)
    await _keep_held(tx, {pair for (pair, _), about in wanted.items() if about.is_claimed})
    batch.links.clear()
    batch.reread = decided
    return decided


def _note_void_aliases(batch: Batch, rows: Collection[EvidenceRow]) -> None:
    for row in rows:
        if row.source_id != TWIN_SOURCE or len(row.node_nos) != 2:
            continue
        spelling, alias = (key(row.workspace_id, one) for one in row.node_nos)
        if {spelling, alias} <= batch.names.keys() and is_void(
            evidence_of(row, batch), batch.policies[row.workspace_id]
        ):
            known = batch.void_aliases.get(alias, spelling)
            batch.void_aliases[alias] = min(known, spelling, key=lambda one: batch.names[one])


async def _keep_held(tx: Tx, pairs: Collection[Pair]) -> None:
    """Say at once of links in quarantine that they are: nothing is reached through them."""
    noted = await holds.of(tx, pairs) if pairs else {}
    held = {pair: WAITING[hold] for pair, state in noted.items() if (hold := EFFECTS.get(state)) in WAITING}
    await links.decide(tx, [Decision(pair, one.state, one.reason, None, None) for pair, one in held.items()])


def _add_up(batch: Batch, row: EvidenceRow, facts: dict[tuple[Pair, str], LinkFacts]) -> bool:
    """Add one piece of evidence to the links' facts; return whether it names identifiers that it links to nothing."""
    keys = [key(row.workspace_id, one) for one in row.node_nos]
    where = {batch.names[one]: one for one in keys if one in batch.names}
    said = evidence_of(row, batch)
    found = list(pairs(said, batch.policies[row.workspace_id]))
    for one, other in found:
        member, centre = where[one], where[other]
        pair = (member, centre) if member < centre else (centre, member)
        added = facts_of(said, old_is_low=member < centre)
        known = facts.setdefault((pair, row.consent_basis or ""), added)
        if known is not added:
            known.merge(added)
    return len(found) < len(keys) - 1
