"""New links that end in a hub: shared, whoever is at their other end, so nobody's region need be loaded for them."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from libs.common.db import Tx
from services.identity.domain.plain import Rules, expiry_of, reaches, rules_of
from services.identity.store import holds
from services.identity.store.links import Pair
from services.identity.store.nodes import Key
from services.identity.usecases.graph.batch import Batch

RulesByName = dict[tuple[int, str], Rules]


async def hang_on_hubs(tx: Tx, batch: Batch, new: Collection[Pair]) -> None:
    """Note which of the new links between calm identifiers change nothing but themselves.

    The rule says the same of them after loading all that is around: a plain link to a hub joins nobody and makes
    nobody else a hub, and what repeats in a calm region changes nothing there.
    """
    if not new or not any(_is_hub(batch, end) for pair in new for end in pair):
        return
    bases = Counter(pair for pair, _ in batch.added)
    rules: RulesByName = {}
    found: dict[Pair, datetime | None] = {}
    for pair, basis in batch.added:
        if pair not in new or bases[pair] > 1:
            continue
        expiry = _expiry(batch, pair, basis, rules)
        if expiry is not False:
            found[pair] = None if expiry is True else expiry
    if not found:
        return
    hubs = {end for pair in found for end in pair if _is_hub(batch, end)}
    # What one source joins to too many waits for somebody's decision, a hub's links too.
    ever = await holds.ever(tx, batch.policies)
    strays = {one for one, _ in await holds.strays(tx, hubs)} if ever.strays else set()
    decided = (await holds.of(tx, found)).keys() if ever.held else ()
    batch.hanging = {pair: at for pair, at in found.items() if strays.isdisjoint(pair) and pair not in decided}
    batch.watched |= hubs - batch.rising


def _is_hub(batch: Batch, one: Key) -> bool:
    return batch.nodes[one].is_shared or one in batch.rising


def _expiry(batch: Batch, pair: Pair, basis: str, rules: RulesByName) -> datetime | bool:
    """Return when a link to a hub expires, True for never, False where more may depend on it."""
    low, high = (_rules(batch, end, rules) for end in pair)
    ends = (pair[0], low, high), (pair[1], high, low)
    if not any(_is_hub(batch, end) for end in pair):
        return False
    if any(reaches(mine, other) for end, mine, other in ends if not _is_hub(batch, end)):
        return False
    row, other = batch.nodes[pair[0]], batch.nodes[pair[1]]
    policies = batch.policies[row.workspace_id]
    if row.permissions or other.permissions or (basis and policies.linking == "opt_in"):
        return False
    # What was unbound from a parent is unbound from what hangs on it.
    if low.is_child or high.is_child:
        return False
    return expiry_of({basis: batch.added[pair, basis]}, low, high, batch.now[row.workspace_id])


def _rules(batch: Batch, one: Key, rules: RulesByName) -> Rules:
    row = batch.nodes[one]
    found = rules.get((row.workspace_id, row.namespace))
    if found is None:
        found = rules_of(batch.policies[row.workspace_id].of(row.namespace))
        rules[row.workspace_id, row.namespace] = found
    return found
