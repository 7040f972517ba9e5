"""Aliases of addresses, and ids in lower case, that no declaration makes one with others any more: they are nobody's
until one does again, or somebody is seen under them."""

from collections.abc import Collection, Mapping

from libs.common.db import Tx
from services.identity.domain.persons import Settlement
from services.identity.domain.respelling import EMAIL_ALIAS
from services.identity.store import nodes, persons
from services.identity.store.links import ends
from services.identity.store.nodes import Key, NodeRow, key, number_of, workspace_of
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.batch import Batch, Move, PersonChanges


def unheld_aliases(batch: Batch, outcome: Outcome) -> set[Key]:
    """Return the aliases among the assigned nodes of which nothing that counts says anything."""
    alone = {group[0] for group in outcome.groups if len(group) == 1 and _may_be_unheld(batch, group[0])}
    if not alone:
        return alone
    # What anybody said of an alias himself, be it refused or taken back, makes it somebody's like any identifier.
    linked = ends([*outcome.states, *batch.hanging, *(pair for pair, _ in batch.added)])
    return {one for one in alone - linked if batch.nodes[one].alone_at is None and one not in batch.alone}


def _may_be_unheld(batch: Batch, one: Key) -> bool:
    """Return whether an identifier may be known by nothing but what was declared, or is nobody's by that already."""
    if batch.names[one].namespace == EMAIL_ALIAS or one in batch.void_aliases:
        return True
    return not batch.nodes[one].person_no and one not in batch.fresh and one not in batch.leaving


async def leave_to_nobody(
    tx: Tx, batch: Batch, unheld: Collection[Key], settled: Mapping[int, list[Settlement]], changes: PersonChanges
) -> None:
    """Note that aliases are nobody's. Who was nothing but an alias ends in the person whose address it was.

    Where that is not known yet he stays until the address's own region is looked at.
    """
    owned = [one for one in sorted(unheld) if batch.nodes[one].person_no]
    bare = await _bare(tx, batch, owned)
    present = {
        key(workspace_id, one.node): settlement.person_no
        for workspace_id, settlements in (settled.items() if bare else ())
        for settlement in settlements
        for one in settlement.members
    }
    bare -= {key(workspace_of(one), number) for one, number in present.items()}
    of_owner: dict[Key, list[Key]] = {}
    for one in owned:
        of_owner.setdefault(batch.nodes[one].owner, []).append(one)
    for owner, aliases in of_owner.items():
        if owner in bare:
            survivor = await _survivor(tx, batch, aliases, present)
            if survivor is None:
                continue
            changes.merged.append((owner, survivor))
        changes.moves.extend(Move(one, number_of(owner), 0) for one in aliases)


async def _bare(tx: Tx, batch: Batch, owned: Collection[Key]) -> set[Key]:
    """Return the owners of aliases who own nothing else."""
    owners = {batch.nodes[one].owner for one in owned}
    going = set(owned)
    by_workspace: dict[int, set[int]] = {}
    for owner in owners:
        by_workspace.setdefault(workspace_of(owner), set()).add(number_of(owner))
    more = {
        row.owner
        for workspace_id, numbers in by_workspace.items()
        for row in await nodes.of_persons(tx, workspace_id, sorted(numbers))
        if row.key not in going
    }
    return owners - more


async def _survivor(tx: Tx, batch: Batch, aliases: Collection[Key], present: Mapping[Key, int]) -> Key | None:
    """Return the person whose address one of the aliases was of, as he is after the batch; else where one was born."""
    for one in aliases:
        owner = batch.nodes[one].owner
        found = await _of_address(tx, batch, one, present) or await _of_birth(tx, batch.nodes[one])
        if found is not None and found != owner:
            return found
    return None


async def _of_address(tx: Tx, batch: Batch, alias: Key, present: Mapping[Key, int]) -> Key | None:
    address = batch.void_aliases.get(alias)
    if address is None:
        return None
    if address in present:
        return key(workspace_of(alias), present[address])
    # What was read without a lock is not kept; and whoever ceased to be meanwhile is nobody's person.
    row = batch.nodes.get(address) or next(iter(await nodes.read(tx, [address])), None)
    return row.owner if row is not None and row.person_no else None


async def _of_birth(tx: Tx, row: NodeRow) -> Key | None:
    born = key(row.workspace_id, row.born_no)
    if born == row.owner:
        return None
    found = (await persons.read(tx, [born])).get(born)
    while found is not None and found.redirect_to is not None:
        led = key(row.workspace_id, found.redirect_to)
        found = (await persons.read(tx, [led])).get(led)
    return found.key if found is not None and found.state == "active" else None
