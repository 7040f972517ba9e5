"""Evidence appended, added up per link, and parted: what repeats the known, and what may change the partition."""

from itertools import chain

from libs.common.db import Tx
from services.identity.domain.evidence import INFERRED
from services.identity.domain.links import POSITIVE, LinkFacts, facts_of, is_repeatable, latest, pairs, subject
from services.identity.store import device_signals, evidence, links
from services.identity.store.evidence import EvidenceRow
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, number_of
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.hang_on_hubs import hang_on_hubs
from services.identity.usecases.graph.rising_hubs import HOLDING, rising_hubs
from services.identity.usecases.graph.watch_devices import holds_stay, signals_on_devices

UNSETTLING = frozenset({"supersede", "unbind", "retract", "must_link", "cannot_link"})
"""Kinds after which a hub may reach fewer people than before.

Of two whom somebody parted none supersedes the other, until they are joined again; and where a circle of supersedes is
parted, another one of it counts.
"""


async def gather_evidence(tx: Tx, batch: Batch) -> tuple[set[Key], set[Key]]:
    """Append the batch's evidence and return (nodes whose regions must be assigned anew, nodes whose hubs may fall)."""
    for fact in batch.facts:
        _make_star(batch, fact)
    await _append(tx, batch)
    batch.rising = await rising_hubs(tx, batch)
    repeating: list[Fact] = []
    stirred = set(batch.rising)
    unsettled: set[Key] = set()
    for fact in batch.facts:
        if not fact.is_new:
            continue
        _add_up(batch, fact)
        if _may_repeat(batch, fact):
            repeating.append(fact)
            continue
        stirred.update(fact.keys)
        if fact.evidence.kind in UNSETTLING:
            unsettled.update(fact.keys)
    wanted = {link for fact in repeating for link in fact.links}
    states = await links.states(tx, wanted) if wanted else {}
    await hang_on_hubs(tx, batch, wanted - {pair for pair, _ in states})
    await device_signals.append(tx, signals_on_devices(batch))
    for fact in repeating:
        basis = fact.evidence.consent_basis or ""
        if any(states.get((link, basis)) not in HOLDING and link not in batch.hanging for link in fact.links):
            stirred.update(fact.keys)
    return stirred, unsettled


def _pair(one: Key, other: Key) -> Pair:
    return (one, other) if one < other else (other, one)


def _make_star(batch: Batch, fact: Fact) -> None:
    policies = batch.policies[fact.workspace_id]
    where = dict(zip(dict.fromkeys(fact.evidence.identifiers), fact.keys, strict=True))
    fact.pairs = [(where[one], where[other]) for one, other in pairs(fact.evidence, policies)]
    fact.links = [_pair(*pair) for pair in fact.pairs]
    if fact.pairs:
        fact.centre = fact.pairs[0][1]
        return
    strongest = subject(fact.evidence, policies)
    fact.centre = where[strongest] if strongest is not None else 0


async def _append(tx: Tx, batch: Batch) -> None:
    rows = [_row(fact) for fact in batch.facts if fact.keys]
    new = await evidence.append(tx, rows) if rows else None
    if new is None:
        for fact in batch.facts:
            fact.is_new = bool(fact.keys)
        return
    seen: set[tuple[int, object, int]] = set()
    for fact in batch.facts:
        name = fact.workspace_id, fact.evidence.event_id, fact.evidence.part
        fact.is_new = name in new and name not in seen
        seen.add(name)


def _row(fact: Fact) -> EvidenceRow:
    said = fact.evidence
    return EvidenceRow(
        fact.workspace_id,
        said.event_id,
        said.part,
        said.source_id,
        said.kind,
        said.tier,
        said.event_time,
        said.first_received_at,
        said.rule_version,
        said.consent_basis,
        [number_of(one) for one in fact.keys],
        number_of(fact.centre),
        fact.author,
        len(fact.pairs) < len(fact.keys) - 1,
    )


def _add_up(batch: Batch, fact: Fact) -> None:
    said = fact.evidence
    basis = said.consent_basis or ""
    for pair, (member, _) in zip(fact.links, fact.pairs, strict=True):
        facts = facts_of(said, old_is_low=pair[0] == member)
        known: LinkFacts = batch.added.setdefault((pair, basis), facts)
        if known is not facts:
            known.merge(facts)
    tier = INFERRED if said.kind == "infer" or said.kind not in POSITIVE else min(said.tier, INFERRED)
    for one in fact.keys:
        if tier < batch.nodes[one].best_tier and tier < batch.tiers.get(one, INFERRED + 1):
            batch.tiers[one] = tier
    linked = set(chain.from_iterable(fact.links))
    for one in fact.keys if len(linked) < len(fact.keys) else ():
        if one not in linked:
            newest = latest(batch.alone.get(one), said.effective_time)
            if newest is not None:
                batch.alone[one] = newest


def _may_repeat(batch: Batch, fact: Fact) -> bool:
    if not is_repeatable(fact.evidence):
        return False
    return all(_is_calm(batch, one) for one in fact.keys) and holds_stay(batch, fact)


def _is_calm(batch: Batch, one: Key) -> bool:
    row = batch.nodes[one]
    if one in batch.rising:
        return True
    if one in batch.fresh or not row.person_no:
        return False
    return row.workspace_id not in batch.moving if row.is_shared else row.is_calm
