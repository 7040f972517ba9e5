"""The circuit breaker: links that one source makes too fast at one identifier are held until somebody has looked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from libs.common.db import Tx
from services.identity.domain.breaker import rushed
from services.identity.domain.graph import WAITING
from services.identity.domain.links import LinkFacts
from services.identity.domain.policy import KNOWN_PRIORITY, NamespacePolicy
from services.identity.store import holds, links
from services.identity.store.holds import EFFECTS, NewHold
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.batch import Batch

Links = Mapping[Pair, LinkFacts]
NOTHING_EVER = holds.Ever(held=False, strays=False)
Stray = tuple[Key, int]
"""An identifier, and the source that joins it to too many."""


async def trip_breaker(tx: Tx, batch: Batch) -> None:
    """Learn what was decided about the links in hand, and hold new ones that come too fast.

    What is held is a decision that lasts: it does not come back by itself when fewer links arrive.
    """
    # What waits already is learnt first: to hear of it once more is no new link at its other end.
    may_stray = await learn_holds(tx, batch)
    new = _new_links(batch)
    if not new:
        return
    known = await holds.strays(tx, {end for pair in new for end in pair}) if may_stray else {}
    found = _crowded(batch, new, known)
    caught = {stray: _rushed(batch, stray, around, new) for stray, around in found.items()}
    tripped = {stray: pairs for stray, pairs in caught.items() if pairs}
    at = {stray: batch.now[workspace_of(stray[0])] for stray in tripped}
    await holds.note_strays(tx, at)
    waiting = {stray: _said_by(batch, stray, new) for stray, state in known.items() if state == "open"}
    chosen: dict[Pair, Stray] = {}
    for stray, pairs in (*tripped.items(), *waiting.items()):
        chosen |= dict.fromkeys((pair for pair in pairs if batch.holds.get(pair) is None), stray)
    rows = [
        NewHold(pair, "rate", batch.now[workspace_of(pair[0])], cause, source)
        for pair, (cause, source) in chosen.items()
        if pair not in batch.freed
    ]
    await holds.hold(tx, rows)
    batch.holds |= {row.pair: "held" for row in rows}


async def learn_holds(tx: Tx, batch: Batch) -> bool:
    """Read what was decided about links, and those that wait and were not loaded although the batch speaks of them.

    Return whether any identifier of the workspaces was ever joined to too many.
    """
    pairs = {pair for pair, _ in batch.added} | batch.links.keys()
    # Most workspaces never had a link in quarantine, and thousands of pairs are a lot to ask for in vain.
    ever = await holds.ever(tx, batch.policies) if pairs else NOTHING_EVER
    if not ever.held:
        return ever.strays
    for pair, state in (await holds.of(tx, pairs)).items():
        hold = EFFECTS.get(state)
        if hold is not None:
            batch.holds[pair] = hold
        elif state == "free":
            batch.freed.add(pair)
    absent = {pair for pair, hold in batch.holds.items() if hold in WAITING and pair not in batch.links}
    for pair, row in await links.rows_of(tx, absent) if absent else ():
        batch.links.setdefault(pair, {})[row.basis] = row
    return ever.strays


def _new_links(batch: Batch) -> Links:
    """Return the links that get a row by the batch and speak for two being one."""
    found: dict[Pair, LinkFacts] = {}
    for (pair, _), facts in batch.added.items():
        if pair not in batch.links and facts.holds() is not None and not facts.is_twin:
            found[pair] = facts
    return found


def _crowded(batch: Batch, new: Links, known: Mapping[Stray, str]) -> dict[Stray, list[Pair]]:
    """Return, by identifier and source, the links of identifiers that might join too many."""
    degree = Counter(end for pair in (*batch.links, *new) for end in pair)
    fresh = {end for pair in new for end in pair}
    busy = {one for one in fresh if _may_trip(batch, one, degree[one])}
    if not busy:
        return {}
    around: dict[Stray, list[Pair]] = {}
    for pair, sources in _all_sources(batch, new):
        for end in busy.intersection(pair):
            for source in sources:
                if known.get((end, source)) is None or known[end, source] == "thrown_away":
                    around.setdefault((end, source), []).append(pair)
    return around


def _may_trip(batch: Batch, one: Key, degree: int) -> bool:
    row = batch.nodes[one]
    policies = batch.policies[row.workspace_id]
    most = policies.safeguards.joins_per_minute
    return most is not None and degree > most and policies.of(row.namespace).bridges and not row.is_shared


def _all_sources(batch: Batch, new: Links) -> Iterable[tuple[Pair, frozenset[int]]]:
    for pair, facts in new.items():
        yield pair, facts.sources
    for pair, rows in batch.links.items():
        if batch.holds.get(pair) not in WAITING:
            yield pair, frozenset().union(*(row.facts.sources for row in rows.values()))


def _rushed(batch: Batch, stray: Stray, pairs: list[Pair], new: Links) -> set[Pair]:
    """Return the links at an identifier that came within too short a time, if any of them is new."""
    one, _ = stray
    policies = batch.policies[workspace_of(one)]
    most, mine = policies.safeguards.joins_per_minute, policies.of(batch.nodes[one].namespace)
    reached = [pair for pair in pairs if _names_somebody(batch, _far(pair, one))]
    # A crowd of people makes a hub of it, which joins nobody.
    if most is None or _is_hub(batch, one, mine, reached):
        return set()
    arrivals = [(at, pair) for pair in reached if (at := _arrival(batch, pair, new)) is not None]
    found = rushed(arrivals, most)
    return found if found & new.keys() else set()


def _is_hub(batch: Batch, one: Key, mine: NamespacePolicy, pairs: list[Pair]) -> bool:
    policies = batch.policies[workspace_of(one)]
    far = [policies.of(batch.names[_far(pair, one)].namespace) for pair in pairs]
    return mine.hub_threshold is not None and sum(policy.is_singleton for policy in far) > mine.hub_threshold


def _far(pair: Pair, one: Key) -> Key:
    return pair[1] if pair[0] == one else pair[0]


def _names_somebody(batch: Batch, one: Key) -> bool:
    policy = batch.policies[workspace_of(one)].of(batch.names[one].namespace)
    return policy.bridges and policy.priority <= KNOWN_PRIORITY and one not in batch.watched


def _arrival(batch: Batch, pair: Pair, new: Links) -> datetime | None:
    if pair in new:
        return new[pair].arrived_at
    times = [row.facts.arrived_at for row in batch.links[pair].values() if row.facts.arrived_at is not None]
    return min(times, default=None)


def _said_by(batch: Batch, stray: Stray, new: Links) -> set[Pair]:
    """Return the new links that an identifier known to join too many gets from that source."""
    one, source = stray
    return {
        pair
        for pair, facts in new.items()
        if one in pair and source in facts.sources and _names_somebody(batch, _far(pair, one))
    }
