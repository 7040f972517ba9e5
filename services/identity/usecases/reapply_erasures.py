"""Erasures that the ledger knows and the database does not: it was restored from an older backup."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.identity.store import erasures, nodes, persons
from services.identity.store.erasure_ledger import Hashed, LedgerEntry, opened_identifiers
from services.identity.store.erasures import Tombstone
from services.identity.store.nodes import Key, key
from services.identity.store.persons import PersonRow
from services.identity.usecases.erase_person import Leaving, Wish, erase, hold_nodes
from services.identity.usecases.graph.load_regions import put_node
from services.identity.usecases.graph.resolve_evidence import open_batch, under_locks
from services.identity.usecases.graph.tools import GraphTools

Words = dict[UUID, list[Hashed]]
"""The identifiers that each erasure leaves erased, after all that was reopened."""


def last_words(entries: Sequence[LedgerEntry], sealer: Callable[[int], Sealer]) -> Words:
    """Return what the ledger says in the end: later lines overrule earlier ones about the same identifier."""
    owner: dict[tuple[int, Hashed], UUID | None] = {}
    for entry in entries:
        for identifier in opened_identifiers(sealer(entry.workspace_id), entry):
            owner[entry.workspace_id, identifier] = entry.erasure_id if entry.kind == "erased" else None
    words: Words = {entry.erasure_id: [] for entry in entries if entry.kind == "erased"}
    for (_, identifier), erasure_id in owner.items():
        if erasure_id is not None:
            words[erasure_id].append(identifier)
    return words


async def missing_erasures(tx: Tx, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return the erasures of the transaction's workspaces that the database knows nothing of."""
    known = await erasures.known(tx, [entry.erasure_id for entry in entries])
    wanted = {entry.erasure_id: entry for entry in entries if entry.kind == "erased"}
    return [entry for erasure_id, entry in wanted.items() if erasure_id not in known]


async def reapply_erasures(tx: Tx, tools: GraphTools, entry: LedgerEntry, hashed: Collection[Hashed]) -> None:
    """Erase once more what the database has forgotten to have erased, and bury what it has not seen yet."""
    workspace_id = entry.workspace_id
    wish = Wish(entry.erasure_id, entry.author, entry.reason)
    batch = await open_batch(tx, {workspace_id}, tools)
    found = await nodes.find(tx, [(workspace_id, lookup) for lookup, _, _ in hashed]) if hashed else {}
    keys = {key(workspace_id, node_no) for node_no, _ in found.values()}
    person = await _person(tx, tools, entry)
    named = [person, *await persons.by_ids(tx, workspace_id, list(entry.retired_ids))]

    async def work(*, patient: bool) -> None:
        theirs = await hold_nodes(tx, batch, tools, named, patient=patient)
        for one in await nodes.lock(tx, keys - batch.nodes.keys()):
            put_node(batch, tools, one)
        ending = {row.key: row for row in [*named, *await _owned_by_these_alone(tx, workspace_id, keys, theirs)]}
        await erase(tx, batch, tools, Leaving(set(keys), list(ending.values())), wish, patient=patient)

    await under_locks(tx, batch, tools, keys, work)
    await erasures.bury(tx, workspace_id, [Tombstone(*one, entry.erasure_id) for one in hashed])


async def _person(tx: Tx, tools: GraphTools, entry: LedgerEntry) -> PersonRow:
    """Return the person as the database has him; one it does not know yet is made, so that his id is gone for good."""
    person_id = entry.person_id or entry.erasure_id
    row = await persons.by_id(tx, entry.workspace_id, person_id)
    if row is None:
        [number] = await tools.numbers.take(tx, entry.workspace_id, "person", 1)
        row = PersonRow(entry.workspace_id, number, person_id, "active", None, None, 0, entry.at)
        await persons.insert(tx, [row])
    return row


async def _owned_by_these_alone(tx: Tx, workspace_id: int, keys: set[Key], held: set[Key]) -> list[PersonRow]:
    """Return the owners of erased identifiers who own nothing else: in the older state he was several."""
    owners = {row.person_no for row in await nodes.read(tx, keys)} if keys else set()
    everything = await nodes.of_persons(tx, workspace_id, owners)
    others = {row.person_no for row in everything if row.key not in keys | held}
    alone = [key(workspace_id, number) for number in owners - others]
    return list((await persons.read(tx, alone)).values()) if alone else []
