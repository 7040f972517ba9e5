"""A person is forgotten: identifiers, evidence, record and redirects in one transaction, and everybody is told."""

from dataclasses import dataclass
from uuid import UUID

from libs.common import outbox
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from libs.common.errors import Conflict, Unavailable
from services.identity.domain.twins import twins_of
from services.identity.store import erasures, forgetting, nodes, persons
from services.identity.store.erasures import ErasureRow, Tombstone
from services.identity.store.nodes import Key, number_of
from services.identity.store.persons import PersonRow
from services.identity.usecases.find_person import find_row
from services.identity.usecases.graph.batch import Batch, Contended
from services.identity.usecases.graph.forget_nodes import Gone, forget_nodes
from services.identity.usecases.graph.load_regions import put_node
from services.identity.usecases.graph.resolve_evidence import open_batch, under_locks
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class Erased:
    """What an erasure took, and what it changed for others."""

    row: ErasureRow
    retired_ids: list[UUID]
    tombstones: list[Tombstone]
    batch: Batch


@dataclass(frozen=True, slots=True)
class Wish:
    """An erasure as it was asked for."""

    erasure_id: UUID
    author: str
    reason: str = ""


@dataclass(slots=True)
class Leaving:
    """Who and what is erased: identifiers, all locked, and the persons they are of; the first gives the erasure its id.

    Whoever had ended in one of these goes with him.
    """

    keys: set[Key]
    persons: list[PersonRow]

    @property
    def person(self) -> PersonRow:
        """The person who is asked about later."""
        return self.persons[0]


async def erase_person(tx: Tx, tools: GraphTools, workspace_id: int, person_id: UUID, wish: Wish) -> Erased:
    """Erase the person an id leads to; raises NotFound, Gone when it happened before, Conflict for an anonymous one.

    Tombstones keep late and repeated events of his identifiers out; the ids that led to him lead nowhere. Others keep
    what is filed under their own identifiers, and are assigned anew without his.
    """
    row = await find_row(tx, workspace_id, person_id)
    batch = await open_batch(tx, {workspace_id}, tools)
    mine = {one.key for one in await nodes.of_persons(tx, workspace_id, [row.person_no])}
    taken: list[Erased] = []

    async def work(*, patient: bool) -> None:
        present = await find_row(tx, workspace_id, person_id)
        keys = await hold_nodes(tx, batch, tools, [present], patient=patient)
        if (await find_row(tx, workspace_id, person_id)).person_no != present.person_no:
            raise Contended(set(batch.nodes))  # he was merged between the two looks
        if not keys:
            raise Conflict(
                "this person is nobody by name: he had a device while it was nobody's; what he did there is erased"
                " with whoever owns the device now",
                code="no_identifier",
            )
        taken[:] = [await erase(tx, batch, tools, Leaving(keys, [present]), wish, patient=patient)]

    await under_locks(tx, batch, tools, mine, work)
    if not taken:
        raise Unavailable("this person is changing right now; send the request again", retry_after_seconds=1)
    return taken[0]


async def hold_nodes(tx: Tx, batch: Batch, tools: GraphTools, owners: list[PersonRow], *, patient: bool) -> set[Key]:
    """Return persons' identifiers, all locked: while they are, none leaves its owner and none comes."""
    if not owners:
        return set()
    numbers = [one.person_no for one in owners]
    while True:
        mine = {one.key for one in await nodes.of_persons(tx, owners[0].workspace_id, numbers)}
        missing = mine - batch.nodes.keys()
        if not missing:
            return mine
        if not patient:
            raise Contended(mine | batch.nodes.keys())
        for one in await nodes.lock(tx, missing):
            put_node(batch, tools, one)


async def erase(tx: Tx, batch: Batch, tools: GraphTools, leaving: Leaving, wish: Wish, *, patient: bool) -> Erased:
    """Erase locked identifiers and the persons they were of; what else these persons own becomes somebody new's."""
    workspace_id, keys = leaving.person.workspace_id, leaving.keys
    tombstones = _tombstones(batch, tools, keys, wish)
    version = await persons.next_version(tx)
    await erasures.bury(tx, workspace_id, tombstones)
    numbers = [one.person_no for one in leaving.persons]
    ended = await forgetting.end_persons(tx, workspace_id, numbers, version=version)
    orphans = {one for one, row in batch.nodes.items() if row.person_no in ended and one not in keys}
    for one in orphans:
        batch.nodes[one].person_no = batch.nodes[one].born_no = 0
    gone = await forget_nodes(tx, batch, tools, workspace_id, keys, orphans=orphans, patient=patient)
    ended |= await _end_the_bare(tx, workspace_id, gone, version)
    retired = [number for number in sorted(ended) if number != leaving.person.person_no]
    events = await _delete_their_events(tx, workspace_id, gone)
    row = ErasureRow(
        workspace_id=workspace_id,
        erasure_id=wish.erasure_id,
        person_no=leaving.person.person_no,
        person_id=leaving.person.person_id,
        subject_nos=sorted(number_of(one) for one in keys | gone.bare.keys()),
        retired_nos=retired,
        graph_version=version,
        author=wish.author,
        reason=wish.reason,
        counts={
            "identifiers": len(keys), "evidence": len(gone.deleted), "evidence_of_others": len(gone.trimmed),
            "events": events, "retired_ids": len(retired),
        },
        erased_at=batch.now[workspace_id],
    )  # fmt: skip
    await erasures.keep(tx, row)
    await outbox.add(tx, told_of(row))
    return Erased(row, [ended[number] for number in retired], tombstones, batch)


async def _end_the_bare(tx: Tx, workspace_id: int, gone: Gone, version: int) -> dict[int, UUID]:
    """End those who were known by nothing but what is erased, as a device seen with him alone; return them."""
    numbers = {number_of(owner) for owner in gone.bare.values()} | gone.anonymous
    return await forgetting.end_persons(tx, workspace_id, numbers, version=version) if numbers else {}


def _tombstones(batch: Batch, tools: GraphTools, keys: set[Key], wish: Wish) -> list[Tombstone]:
    """Return what keeps identifiers out from now on, and the hashes of the plain ones."""
    found: dict[bytes, Tombstone] = {}
    for one in sorted(keys):
        row = batch.nodes[one]
        found[row.lookup] = Tombstone(row.lookup, row.namespace, row.scope, wish.erasure_id)
        for twin in twins_of(batch.names[one], tools.namespaces.get(row.namespace)):
            lookup = tools.sealed_lookup(row.workspace_id, twin)
            found[lookup] = Tombstone(lookup, twin.namespace, twin.scope, wish.erasure_id)
    return list(found.values())


async def _delete_their_events(tx: Tx, workspace_id: int, gone: Gone) -> int:
    """Delete the events behind deleted evidence from the record; one that says something of others stays."""
    staying = {row.event_id for row in gone.trimmed}
    events = {(row.first_received_at, row.event_id) for row in gone.deleted if row.event_id not in staying}
    return await forgetting.delete_events(tx, workspace_id, sorted(events))


def told_of(row: ErasureRow) -> PersonErased:
    """Return what the others hear; said again it is a new event, and deletes again."""
    return PersonErased(
        workspace_id=row.workspace_id,
        person_no=row.person_no,
        person_id=row.person_id,
        received_at=row.erased_at,
        occurred_at=row.erased_at,
        subject_nos=tuple(row.subject_nos),
        erasure_id=row.erasure_id,
        graph_version=row.graph_version,
        retired_nos=tuple(row.retired_nos),
    )
