"""Regions assigned within the rates at which sources may merge persons: links that would merge more are held."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from libs.common.db import Tx
from services.identity.domain.breaker import Joining, Merges, Meter, merges, minute_of
from services.identity.domain.evidence import DECIDED
from services.identity.domain.links import LinkFacts
from services.identity.domain.persons import Owned, claims_on
from services.identity.store import holds, source_rates
from services.identity.store.holds import NewHold
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, key, workspace_of
from services.identity.usecases.graph.assign_regions import Outcome, assign_regions
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.settle_persons import owned_by
from services.identity.usecases.graph.tools import GraphTools

ROUNDS = 2
"""Runs of the rule after which links that it refuses are held too: each might take the place of one that is held."""

REFUSED = frozenset({"suppressed", "quarantined"})

Joinings = Mapping[Pair, Joining]


class Within(NamedTuple):
    """What the rule says of regions when what is `held` does not count, and what is charged for the persons merged."""

    outcome: Outcome
    charged: Counter[Meter]
    held: dict[Pair, Meter]


async def assign_within_rates(tx: Tx, batch: Batch, tools: GraphTools, decided: set[Key]) -> Outcome:
    """Run the rule over regions, and hold new links by which a source would merge more persons than it may.

    Nothing is asked of the database unless a rate is declared and the batch merges somebody. Then workers whose batches
    merge by the same source within the same minute wait for each other: what is counted is what is committed.
    """
    outcome = assign_regions(batch, decided)
    new = joinings(batch)
    asked = _merges_of(batch, outcome, new).charged if new else Counter[Meter]()
    if not asked:
        return outcome
    await _number_newcomers(tx, batch, tools, outcome)
    # All that may be charged at once and in order: two who take some first and others later would block each other.
    counters = Counter({meter: asked[meter] for one in new.values() for meter in one.meters})
    counted = await source_rates.count(tx, counters)
    room = {meter: _most(batch, meter) - (count - asked[meter]) for meter, count in counted.items()}
    outcome, charged, held = within(batch, decided, outcome, new, room)
    await holds.hold(
        tx,
        [
            NewHold(pair, "source_rate", batch.now[workspace_id], source_id=source_id)
            for pair, (workspace_id, source_id, _) in held.items()
        ],
    )
    charged.subtract(asked)
    mended = {meter: count for meter, count in charged.items() if count}
    if mended:
        await source_rates.count(tx, mended)
    return outcome


def joinings(batch: Batch) -> dict[Pair, Joining]:
    """Return the links of which the batch says something that may make them hold, where a rate is declared.

    Not what somebody decided (tier 0, links that were let go), nor what holds already.
    """
    rated = {one for one, policies in batch.policies.items() if policies.safeguards.merges_per_minute is not None}
    said: dict[Pair, dict[str, LinkFacts]] = {}
    for (pair, basis), facts in batch.added.items() if rated else ():
        if workspace_of(pair[0]) in rated and batch.holds.get(pair) is None and pair not in batch.freed:
            said.setdefault(pair, {})[basis] = facts
    found: dict[Pair, Joining] = {}
    for pair, by_basis in said.items():
        facts = LinkFacts.together(by_basis)
        best = facts.holds()
        if best is None or best[0] == DECIDED or facts.arrived_at is None or _is_active(batch, pair):
            continue
        home, minute = workspace_of(pair[0]), minute_of(facts.arrived_at)
        meters = tuple((home, source, minute) for source in sorted(facts.sources))
        found[pair] = Joining(pair, facts.arrived_at, meters)
    return found


def within(batch: Batch, decided: set[Key], outcome: Outcome, new: Joinings, room: Mapping[Meter, int]) -> Within:
    """Hold links of `new` until what is left merges no more than there is room for; the rule is run anew each time.

    What is held leaves its place to others, which may merge as well.
    """
    held: dict[Pair, Meter] = {}
    rounds = 0
    while True:
        left = {pair: one for pair, one in new.items() if pair not in held}
        charged, beyond = _merges_of(batch, outcome, left, room, thorough=rounds >= ROUNDS)
        if not beyond:
            return Within(outcome, charged, held)
        held |= beyond
        batch.holds |= dict.fromkeys(beyond, "throttled")
        changed = outcome.changed
        outcome = assign_regions(batch, decided)
        # The first run has noted what it changed of rows on the rows already.
        outcome.changed |= changed
        rounds += 1


def _merges_of(
    batch: Batch, outcome: Outcome, new: Joinings, room: Mapping[Meter, int] | None = None, *, thorough: bool = False
) -> Merges:
    if not _is_anybody_merged(batch, outcome):
        return Merges(Counter(), {})
    states = {pair: state.state for pair, state in outcome.states.items() if state is not None}
    active = {pair for pair, state in states.items() if state == "active"}
    joining = [one for pair, one in new.items() if pair in active]
    refused = [one for pair, one in new.items() if states.get(pair) in REFUSED] if thorough else []
    return merges(_persons(batch, outcome), active - new.keys(), joining, room, refused)


def _is_anybody_merged(batch: Batch, outcome: Outcome) -> bool:
    """Return whether identifiers of two persons come together at all; mostly none do."""
    return any(len({batch.nodes[one].person_no for one in group} - {0}) > 1 for group in outcome.groups)


def _owned(batch: Batch, outcome: Outcome) -> dict[int, list[list[Owned]]]:
    found: dict[int, list[list[Owned]]] = {}
    for group in outcome.groups:
        if group:
            found.setdefault(workspace_of(group[0]), []).append([owned_by(batch, one) for one in group])
    return found


def _persons(batch: Batch, outcome: Outcome) -> dict[Key, Key]:
    """Return the owners so far of identifiers that go where the person goes, of persons whom anything names.

    A visitor who logs in is no merge to be afraid of, nor is an identifier that passes to somebody else.
    """
    found: dict[Key, Key] = {}
    for workspace_id, groups in _owned(batch, outcome).items():
        for position, claimants in claims_on(groups).items():
            here = {one.node for one in groups[position]}
            for person, owned in claimants.items():
                if any(one.names and one.bridges for one in owned):
                    mine = (one.node for one in owned if one.node in here)
                    found.update((key(workspace_id, node), key(workspace_id, person)) for node in mine)
    return found


async def _number_newcomers(tx: Tx, batch: Batch, tools: GraphTools, outcome: Outcome) -> None:
    """Take numbers for persons that are new, where there are too few: afterwards nothing more is waited for."""
    for workspace_id, groups in _owned(batch, outcome).items():
        spare = batch.spare_persons.setdefault(workspace_id, [])
        missing = len(groups) - len(claims_on(groups)) - len(spare)
        if missing > 0:
            spare += await tools.numbers.take(tx, workspace_id, "person", missing)


def _is_active(batch: Batch, pair: Pair) -> bool:
    return any(row.state == "active" for row in batch.links.get(pair, {}).values())


def _most(batch: Batch, meter: Meter) -> int:
    return batch.policies[meter[0]].safeguards.merges_per_minute or 0
