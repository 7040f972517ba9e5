"""Joins that may be of another person, noted in the transaction that makes them."""

from datetime import datetime, timedelta

from libs.common.db import Tx
from services.identity.domain.dormancy import arrivals_after_silence, passes_on
from services.identity.domain.graph import WAITING
from services.identity.domain.links import latest
from services.identity.store import dormant_joins
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.batch import Batch

Holders = dict[Key, list[tuple[Key, datetime]]]


async def note_dormant(tx: Tx, batch: Batch, outcome: Outcome) -> None:
    """Note who came to an identifier after all who had it were silent for long, by links that are active now."""
    shared = {one: holders for one, holders in _holders(batch, outcome).items() if len(holders) > 1}
    if not shared:
        return
    activity = _activity(batch, {far for holders in shared.values() for far, _ in holders})
    found: dict[tuple[Key, Key], datetime] = {}
    for one, holders in shared.items():
        workspace_id = workspace_of(one)
        days = batch.policies[workspace_id].safeguards.dormant_days
        if days is not None:
            for arrival in arrivals_after_silence(holders, activity, timedelta(days=days)):
                found[one, arrival.newcomer] = batch.now[workspace_id]
    await dormant_joins.note(tx, found)


def _holders(batch: Batch, outcome: Outcome) -> Holders:
    """Return who holds the identifiers that got a new holder, or that policies look at again."""
    if batch.turn is None:
        changed = {end for one in outcome.decisions if one.state == "active" for end in one.pair}
    else:
        changed = {end for pair in outcome.states for end in pair}
    chosen = {one for one in changed if passes_on(batch.policies[workspace_of(one)].of(batch.names[one].namespace))}
    found: Holders = {}
    for pair, state in outcome.states.items() if chosen else ():
        for one in chosen.intersection(pair) if state is not None and state.state == "active" else ():
            facts = outcome.facts[pair]
            # An identifier and its hash are one from the beginning.
            if facts.first_at is not None and not facts.is_twin:
                found.setdefault(one, []).append((pair[1] if pair[0] == one else pair[0], facts.first_at))
    return found


def _activity(batch: Batch, keys: set[Key]) -> dict[Key, datetime]:
    """Return the newest event time of anything that touches each of these nodes."""
    newest: dict[Key, datetime | None] = {one: latest(batch.nodes[one].alone_at, batch.alone.get(one)) for one in keys}
    said = [(pair, row.facts) for pair, rows in batch.links.items() for row in rows.values()]
    said += [(pair, facts) for (pair, _), facts in batch.added.items()]
    for pair, facts in said:
        for end in keys.intersection(pair) if batch.holds.get(pair) not in WAITING else ():
            newest[end] = latest(newest[end], facts.activity)
    return {one: at for one, at in newest.items() if at is not None}
