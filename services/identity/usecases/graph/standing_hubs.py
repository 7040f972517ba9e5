"""Crowded hubs that stay hubs whatever a batch takes from them, found by a glance at some of their links."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from libs.common.db import Tx
from services.identity.domain.links import LinkFacts
from services.identity.domain.policy import HUB_PRIORITY, NamespacePolicy, PolicySet
from services.identity.store import links, nodes
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.batch import Batch

GLANCE = 500
"""Links; a hub with fewer is walked, which is exact and cheap enough."""
GLANCES = (50, GLANCE)
"""How many links are looked at, first few and then more: a hub with a low threshold shows itself in the first."""


async def standing_hubs(tx: Tx, batch: Batch, hubs: Collection[Key]) -> set[Key]:
    """Return those hubs that stay hubs for now, whatever the batch takes from them.

    A phone with a million links loses one of them by a glance at a few hundred, and nothing of it is loaded or locked.
    One that may fall is `settling`: it stays shared until its own turn in the background, where all of it is walked.
    A glance does not do where silence moves identifiers: there an owner may expire by what others do.
    """
    degrees = await links.degrees(tx, hubs, GLANCE + 1) if hubs else {}
    staying: set[Key] = set()
    for one in hubs:
        if degrees.get(one, 0) > GLANCE and not await _walks(tx, batch, one):
            staying.add(one)
    return staying


async def _walks(tx: Tx, batch: Batch, one: Key) -> bool:
    """Return whether a crowded hub is to be walked now; one that has to be and whose turn it is not is settling."""
    turn = batch.turn
    if turn is not None and one not in turn:
        return False
    if turn is not None and turn[one]:
        return True
    for most in GLANCES if workspace_of(one) not in batch.moving else ():
        if await _stands(tx, batch, one, most):
            return False
    if turn is None:
        batch.settling.add(one)
    return turn is not None


async def _stands(tx: Tx, batch: Batch, hub: Key, most: int) -> bool:
    workspace_id = workspace_of(hub)
    policies, now = batch.policies[workspace_id], batch.now[workspace_id]
    mine = policies.of(batch.nodes[hub].namespace)
    if batch.nodes[hub].permissions:
        return False
    found = await links.some(tx, hub, most)
    spoken_of = {pair for pair, _ in batch.added}
    far = {
        pair[0] if pair[1] == hub else pair[1]: facts
        for pair, by_basis in found.items()
        if pair not in spoken_of and (facts := _certain(by_basis, policies)) is not None
    }
    rows = {row.key: row for row in await nodes.read(tx, far)}
    reached = {
        one
        for one, row in rows.items()
        if not row.permissions
        and _counts(mine, policies.of(row.namespace))
        and _holds(far[one], (mine, policies.of(row.namespace)), now)
    }
    threshold = mine.hub_threshold
    if threshold is None or len(reached) <= threshold:
        return False
    told = {one for fact in batch.facts for one in fact.keys} | batch.consenting
    return len(reached - told - await links.superseded(tx, reached)) > threshold


def _certain(by_basis: Mapping[str, LinkFacts], policies: PolicySet) -> LinkFacts | None:
    """Return the facts of a link that nobody's consent or hash decides about."""
    if len(by_basis) != 1:
        return None
    ((basis, facts),) = by_basis.items()
    return None if facts.is_twin or (basis and policies.linking == "opt_in") else facts


def _counts(hub: NamespacePolicy, other: NamespacePolicy) -> bool:
    # What hangs on a parent may be unbound together with it.
    return other.parent is None and (other.is_singleton if hub.bridges else other.priority <= HUB_PRIORITY)


def _holds(facts: LinkFacts, ends: tuple[NamespacePolicy, NamespacePolicy], now: datetime) -> bool:
    seen = facts.seen_at()
    ttls = [policy.ttl_days for policy in ends if policy.ttl_days is not None]
    return seen is not None and facts.holds() is not None and (not ttls or seen + timedelta(days=min(ttls)) > now)
