"""Hubs that stay hubs whatever a batch takes from them, found by a glance at some of their links."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from libs.common.db import Tx
from services.identity.domain.links import LinkFacts
from services.identity.domain.policy import NamespacePolicy, PolicySet
from services.identity.store import links, nodes
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.batch import Batch

WALKED = 50
"""Links; a hub with no more is walked, which costs hardly more than a glance."""
GLANCE = 500
"""Links; with no more a hub is walked at once where a glance does not show that it stays."""
CERTAINTY = 4
"""Links looked at per neighbour that makes a hub, as not all of them count; the next glance is so many times larger."""


async def standing_hubs(tx: Tx, batch: Batch, hubs: Collection[Key]) -> set[Key]:
    """Return those hubs that stay hubs for now, whatever the batch takes from them.

    A phone with a million links loses one of them by a glance at a few, and nothing of it is loaded or locked. A crowd
    that may fall is `settling`: it stays shared until its own turn in the background, where it is walked if a glance as
    large as its threshold does not show it either.
    A glance does not do where silence moves identifiers: there an owner may expire by what others do.
    """
    degrees = await links.degrees(tx, hubs, GLANCE + 1) if hubs else {}
    staying: set[Key] = set()
    for one in hubs:
        degree = degrees.get(one, 0)
        if one not in batch.leaving and degree > WALKED and not await _walks(tx, batch, one, degree):
            staying.add(one)
    return staying


async def _walks(tx: Tx, batch: Batch, one: Key, degree: int) -> bool:
    """Return whether a hub is to be walked now; a crowded one that has to be and whose turn it is not is settling."""
    turn, crowded = batch.turn, degree > GLANCE
    if turn is not None and turn.get(one):
        return True
    if crowded and turn is not None and one not in turn:
        return False
    for most in _glances(batch, one, degree):
        if await _stands(tx, batch, one, most):
            return False
    if crowded and turn is None:
        batch.settling.add(one)
        return False
    return True


def _glances(batch: Batch, hub: Key, degree: int) -> Iterator[int]:
    """Return how many links to look at, first few and then more: a low threshold shows itself in the first.

    What none of these can show is left to the hub's own turn, where the glance is as large as its threshold needs.
    """
    workspace_id = workspace_of(hub)
    threshold = batch.policies[workspace_id].of(batch.nodes[hub].namespace).hub_threshold
    if threshold is None or workspace_id in batch.moving:
        return
    few = CERTAINTY * (threshold + 1)
    most = degree
    if degree > GLANCE:
        most = GLANCE if batch.turn is None else max(GLANCE, few)
    # As many come from either end.
    if 2 * most <= threshold:
        return
    while few < most:
        yield few
        few *= CERTAINTY
    yield most


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
    told = {one for fact in batch.facts for one in fact.keys} | batch.consenting | batch.leaving
    return len(reached - told - await links.superseded(tx, reached)) > threshold


def _certain(by_basis: Mapping[str, LinkFacts], policies: PolicySet) -> LinkFacts | None:
    """Return the facts of a link that nobody's consent or hash decides about."""
    if len(by_basis) != 1:
        return None
    ((basis, facts),) = by_basis.items()
    return None if facts.is_twin or (basis and policies.linking == "opt_in") else facts


def _counts(hub: NamespacePolicy, other: NamespacePolicy) -> bool:
    # What hangs on a parent may be unbound together with it.
    return other.parent is None and hub.is_crowded_by(other)


def _holds(facts: LinkFacts, ends: tuple[NamespacePolicy, NamespacePolicy], now: datetime) -> bool:
    seen = facts.seen_at()
    ttls = [policy.ttl_days for policy in ends if policy.ttl_days is not None]
    return seen is not None and facts.holds() is not None and (not ttls or seen + timedelta(days=min(ttls)) > now)
