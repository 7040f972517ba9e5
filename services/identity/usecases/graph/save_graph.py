"""The graph's rows written, a statement a table."""

from libs.common.db import Tx
from services.identity.store import holds, links, nodes, persons, regions, suggestions
from services.identity.store.holds import NewHold
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, number_of, workspace_of
from services.identity.store.persons import OwnershipRow
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.batch import Batch, Move, PersonChanges, Span
from services.identity.usecases.graph.suggest_inferred import suggest_inferred
from services.identity.usecases.graph.suggest_refused import suggest_refused


async def save_graph(tx: Tx, batch: Batch, outcome: Outcome, changes: PersonChanges | None) -> None:
    """Write facts, decisions, owners and persons of a batch."""
    dirty = set(outcome.changed)
    if changes is not None:
        dirty |= _own(batch, changes)
    for one, tier in batch.tiers.items():
        batch.nodes[one].best_tier = tier
        dirty.add(one)
    touched = {one: at for one, at in batch.alone.items() if one not in dirty}
    for one in batch.alone.keys() & dirty:
        row = batch.nodes[one]
        row.alone_at = max(row.alone_at, batch.alone[one]) if row.alone_at else batch.alone[one]
    if dirty:
        await nodes.save(tx, [batch.nodes[one] for one in sorted(dirty)])
    if touched:
        await nodes.touch(tx, touched)
    made = {one.pair: one for one in outcome.decisions if _is_made(batch, one.pair)}
    await links.merge(tx, batch.added, made)
    await links.decide(tx, [one for one in outcome.decisions if one.pair not in made])
    if changes is not None:
        await _save_persons(tx, batch, changes)
    await suggestions.add(tx, [*suggest_refused(batch, outcome.decisions), *suggest_inferred(batch)])
    await holds.hold(
        tx,
        [
            NewHold(one.pair, "size", batch.now[workspace_of(one.pair[0])])
            for one in outcome.decisions
            if (one.state, one.reason) == ("quarantined", "size")
        ],
    )
    await regions.schedule(tx, outcome.recheck)


def _is_made(batch: Batch, pair: Pair) -> bool:
    """Return whether a link that was decided about gets its first row now."""
    return pair not in batch.links


def _own(batch: Batch, changes: PersonChanges) -> set[Key]:
    for move in changes.moves:
        row = batch.nodes[move.node]
        row.person_no, row.owner_version = move.to_person, changes.version
        row.born_no = row.born_no or move.to_person
    for span in changes.spans:
        batch.nodes[span.node].owner_version = changes.version
    return {move.node for move in changes.moves} | {span.node for span in changes.spans}


async def _save_persons(tx: Tx, batch: Batch, changes: PersonChanges) -> None:
    await persons.insert(tx, changes.created)
    await persons.retire(tx, changes.merged, version=changes.version, now=batch.now)
    await persons.revive(tx, changes.revived, version=changes.version, now=batch.now)
    moved: list[Move | Span] = [*changes.moves, *changes.spans]
    concerned = {one.node >> 32 << 32 | number for one in moved for number in (one.from_person, one.to_person)}
    ended = {one for one, _ in changes.merged}
    new = {row.key for row in changes.created}
    await persons.mark(tx, {one for one in concerned if number_of(one)} - ended - new, changes.version)
    await persons.append_ownership(
        tx,
        [
            OwnershipRow(
                move.node >> 32,
                number_of(move.node),
                changes.version,
                move.to_person,
                move.since,
                None,
                batch.now[move.node >> 32],
            )
            for move in changes.moves
            if move.to_person and not batch.nodes[move.node].is_timed
        ]
        + [
            OwnershipRow(
                span.node >> 32,
                number_of(span.node),
                changes.version,
                span.to_person,
                span.since,
                span.until,
                batch.now[span.node >> 32],
            )
            for span in changes.spans
        ],
    )
