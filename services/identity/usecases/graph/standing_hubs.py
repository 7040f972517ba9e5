"""Crowded hubs that stay hubs whatever a batch takes from them, found by a glance at some of their links."""

from collections.abc import Collection
from datetime import datetime, timedelta

from libs.common.db import Tx
from services.identity.domain.links import LinkFacts
from services.identity.domain.policy import HUB_PRIORITY, NamespacePolicy
from services.identity.store import links, nodes
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.batch import Batch

GLANCE = 500
"""Links; a hub with fewer is walked, which is exact and cheap enough."""


async def standing_hubs(tx: Tx, batch: Batch, hubs: Collection[Key]) -> set[Key]:
    """Return those hubs that reach more than their threshold by links the batch says nothing about.

    A phone with a million links loses one of them by a glance at a few hundred, and nothing of it is loaded or locked.
    Not where silence moves identifiers: there an owner may expire by what others do.
    """
    concerned = [one for one in hubs if workspace_of(one) not in batch.moving]
    # Without facts it is time, a policy or an erasure that looks, and then every link counts anew.
    if not concerned or not batch.facts:
        return set()
    degrees = await links.degrees(tx, concerned, GLANCE + 1)
    return {one for one in concerned if degrees.get(one, 0) > GLANCE and await _stands(tx, batch, one)}


async def _stands(tx: Tx, batch: Batch, hub: Key) -> bool:
    workspace_id = workspace_of(hub)
    policies, now = batch.policies[workspace_id], batch.now[workspace_id]
    mine = policies.of(batch.nodes[hub].namespace)
    found = await links.some(tx, hub, GLANCE)
    spoken_of = {pair for pair, _ in batch.added}
    far = {
        pair[0] if pair[1] == hub else pair[1]: facts
        for pair, facts in found.items()
        if pair not in spoken_of and len(facts) == 1 and not facts[0].is_twin
    }
    rows = {row.key: row for row in await nodes.read(tx, far)}
    reached = {
        one
        for one, row in rows.items()
        if not row.withdrawn
        and _counts(mine, policies.of(row.namespace))
        and _holds(far[one][0], (mine, policies.of(row.namespace)), now)
    }
    threshold = mine.hub_threshold
    if threshold is None or len(reached) <= threshold:
        return False
    told = {one for fact in batch.facts for one in fact.keys}
    return len(reached - told - await links.superseded(tx, reached)) > threshold


def _counts(hub: NamespacePolicy, other: NamespacePolicy) -> bool:
    # What hangs on a parent may be unbound together with it.
    return other.parent is None and (other.is_singleton if hub.bridges else other.priority <= HUB_PRIORITY)


def _holds(facts: LinkFacts, ends: tuple[NamespacePolicy, NamespacePolicy], now: datetime) -> bool:
    seen = facts.seen_at()
    ttls = [policy.ttl_days for policy in ends if policy.ttl_days is not None]
    return seen is not None and facts.holds() is not None and (not ttls or seen + timedelta(days=min(ttls)) > now)
