"""Persons made, ended, brought back, and given identifiers, as the partition changed."""

from collections.abc import Sequence

from libs.common.db import Tx
from libs.common.ids import new_id
from services.identity.domain.persons import Owned, Settlement, parted, settle
from services.identity.domain.policy import KNOWN_PRIORITY
from services.identity.store import history, persons
from services.identity.store.nodes import Key, key, workspace_of
from services.identity.store.persons import PersonRow
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.batch import Batch, Move, PersonChanges
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.unheld_aliases import leave_to_nobody, unheld_aliases


async def settle_persons(tx: Tx, batch: Batch, tools: GraphTools, outcome: Outcome) -> PersonChanges | None:
    """Decide the person of every component of the decided regions; None when nothing changed."""
    unheld = unheld_aliases(batch, outcome)
    by_workspace = _by_workspace(batch, [group for group in outcome.groups if group and group[0] not in unheld])
    had = {one: await _had(tx, one, groups) for one, groups in by_workspace.items()}
    known = await _known_persons(tx, by_workspace, had)
    changes, done = PersonChanges(0), dict[int, list[Settlement]]()
    for workspace_id, groups in by_workspace.items():
        retired = {
            row.person_no: row.graph_version
            for row in known.values()
            if row.workspace_id == workspace_id and row.state == "merged"
        }
        settled = done[workspace_id] = settle(groups, retired, had[workspace_id])
        await _number(tx, batch, tools, workspace_id, settled, changes)
        for one in settled:
            _note(workspace_id, one, changes)
    await leave_to_nobody(tx, batch, unheld, done, changes)
    if changes.is_empty:
        return None
    changes.version = await persons.next_version(tx)
    for row in changes.created:
        row.graph_version = changes.version
    named = {one for pair in changes.merged for one in pair} | set(changes.revived)
    for move in changes.moves:
        named.update((move.node >> 32 << 32 | number) for number in (move.from_person, move.to_person) if number)
    changes.ids |= await tools.person_ids(tx, named - changes.ids.keys())
    tx.after_commit(lambda: tools.remember_persons(changes.ids))
    return changes


def _by_workspace(batch: Batch, groups: Sequence[Sequence[Key]]) -> dict[int, list[list[Owned]]]:
    found: dict[int, list[list[Owned]]] = {}
    for group in groups:
        found.setdefault(workspace_of(group[0]), []).append([owned_by(batch, one) for one in group])
    return found


def owned_by(batch: Batch, one: Key) -> Owned:
    """Return an identifier as it is owned before the batch."""
    row = batch.nodes[one]
    policy = batch.policies[row.workspace_id].of(row.namespace)
    tier = min(row.best_tier, batch.tiers.get(one, row.best_tier))
    priority = policy.priority
    return Owned(
        row.node_no,
        row.person_no,
        row.born_no,
        priority,
        tier <= 1 and policy.is_singleton,
        priority <= KNOWN_PRIORITY,
        policy.bridges,
        row.owner_version,
    )


async def _had(tx: Tx, workspace_id: int, groups: list[list[Owned]]) -> dict[int, dict[int, int]]:
    """Return what those had who ended in a person that is parted now."""
    nodes = parted(groups)
    return await history.had_at_end(tx, workspace_id, nodes) if nodes else {}


async def _known_persons(
    tx: Tx, by_workspace: dict[int, list[list[Owned]]], had: dict[int, dict[int, dict[int, int]]]
) -> dict[Key, PersonRow]:
    """Return those whose identifiers are another's now, by birth or when they ended: they may come back."""
    numbers = {
        key(workspace_id, one.born)
        for workspace_id, groups in by_workspace.items()
        for group in groups
        for one in group
        if one.born and one.born != one.person_no
    }
    numbers |= {key(workspace_id, one) for workspace_id, ended in had.items() for one in ended}
    return await persons.read(tx, numbers) if numbers else {}


async def _number(
    tx: Tx, batch: Batch, tools: GraphTools, workspace_id: int, settled: Sequence[Settlement], changes: PersonChanges
) -> None:
    """Give new persons their numbers and ids."""
    new = [one for one in settled if one.is_new]
    numbers = await batch.take_persons(tx, tools.numbers, workspace_id, len(new))
    for settlement, number in zip(new, numbers, strict=True):
        settlement.person_no = number
        row = PersonRow(workspace_id, number, new_id(), "active", None, None, 0, batch.now[workspace_id])
        changes.created.append(row)
        changes.ids[row.key] = row.person_id


def _note(workspace_id: int, settlement: Settlement, changes: PersonChanges) -> None:
    person = key(workspace_id, settlement.person_no)
    if settlement.revived:
        changes.revived.append(person)
    changes.merged.extend((key(workspace_id, one), person) for one in settlement.absorbed)
    changes.moves.extend(
        Move(key(workspace_id, one.node), one.person_no, settlement.person_no)
        for one in settlement.members
        if one.person_no != settlement.person_no
    )
