"""Devices that become hubs by a batch, found without looking at who comes to them."""

from collections import Counter
from datetime import timedelta
from itertools import chain

from libs.common.db import Tx
from services.identity.domain.links import is_repeatable
from services.identity.domain.policy import HUB_PRIORITY, NamespacePolicy
from services.identity.store import holds, links
from services.identity.store.links import Pair
from services.identity.store.nodes import Key
from services.identity.usecases.graph.batch import Batch, Fact

HOLDING = frozenset({"active", "shared"})
MOST = 50
"""How many of those who come to a device are looked at: a hub with a low threshold shows itself in them."""


async def rising_hubs(tx: Tx, batch: Batch) -> set[Key]:
    """Return devices to which plain evidence of the batch alone brings more people than one person's device has.

    They are hubs whatever became of their links so far, and nobody who comes to one joins anybody by it: a storm of
    log-ins on one device changes the device alone. What may count for nothing by some other evidence is not counted.
    """
    crowds = _crowds(batch)
    if not crowds:
        return set()
    known = await links.states(tx, {pair for crowd in crowds.values() for pair in crowd.values()})
    refused = {pair for (pair, _), state in known.items() if state not in HOLDING}
    if (await holds.ever(tx, batch.policies)).held:
        refused |= (await holds.of(tx, {pair for crowd in crowds.values() for pair in crowd.values()})).keys()
    replaced = await links.superseded(tx, {who for crowd in crowds.values() for who in crowd})
    return {
        device
        for device, crowd in crowds.items()
        if _is_hub(batch, device, sum(pair not in refused and who not in replaced for who, pair in crowd.items()))
    }


def _crowds(batch: Batch) -> dict[Key, dict[Key, Pair]]:
    """Return devices with those who were surely seen on them, by identifier and link, where they are too many."""
    degrees = Counter(chain.from_iterable(chain.from_iterable([fact.pairs for fact in batch.facts])))
    busy = {one for one, degree in degrees.items() if _is_hub(batch, one, degree)}
    if not busy:
        return {}
    plain = [fact for fact in batch.facts if fact.is_new and is_repeatable(fact.evidence)]
    doubtful = {one for fact in batch.facts if not is_repeatable(fact.evidence) for one in fact.keys}
    found: dict[Key, dict[Key, Pair]] = {one: {} for one in busy - doubtful}
    for fact in plain:
        for pair in fact.pairs:
            for device, who in (pair, pair[::-1]):
                crowd = found.get(device)
                if (
                    crowd is not None
                    and len(crowd) < MOST
                    and who not in doubtful
                    and _counts(batch, fact, device, who)
                ):
                    crowd[who] = (device, who) if device < who else (who, device)
    return {one: crowd for one, crowd in found.items() if _is_hub(batch, one, len(crowd))}


def _is_hub(batch: Batch, one: Key, reached: int) -> bool:
    row, policy = batch.nodes[one], _policy(batch, one)
    if policy.hub_threshold is None or reached <= policy.hub_threshold or policy.bridges or policy.parent is not None:
        return False
    return not (row.is_shared or row.permissions or row.workspace_id in batch.moving)


def _counts(batch: Batch, fact: Fact, device: Key, who: Key) -> bool:
    """Return whether a fact surely makes a device the more of a hub."""
    mine, theirs = _policy(batch, device), _policy(batch, who)
    # What hangs on a parent may be unbound together with it.
    if theirs.priority > HUB_PRIORITY or theirs.parent is not None or batch.nodes[who].permissions:
        return False
    if fact.evidence.consent_basis and batch.policies[fact.workspace_id].linking == "opt_in":
        return False
    ttls = [policy.ttl_days for policy in (mine, theirs) if policy.ttl_days is not None]
    return not ttls or fact.evidence.effective_time + timedelta(days=min(ttls)) > batch.now[fact.workspace_id]


def _policy(batch: Batch, one: Key) -> NamespacePolicy:
    row = batch.nodes[one]
    return batch.policies[row.workspace_id].of(row.namespace)
