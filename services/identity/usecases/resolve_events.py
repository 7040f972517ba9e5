"""Recorded events read as evidence, taken into the graph, and told to the others with their persons."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common import outbox
from libs.common.access.model import Source
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import contradictory, subject
from services.identity.domain.policy import PolicySet
from services.identity.domain.publication import record_event
from services.identity.domain.reading import Reading, RecordedCall, read_evidence
from services.identity.store import event_log, forgetting, identifier_counters, nodes, telling
from services.identity.store.event_log import LoggedEvent
from services.identity.store.identifier_counters import Place
from services.identity.store.ingest_queue import IngestEntry
from services.identity.usecases.choose_events import choose_events
from services.identity.usecases.find_owners import owners_then
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import open_batch, take_in
from services.identity.usecases.graph.tools import GraphTools

Sources = Callable[[int], Source | None]
_body = msgspec.json.Decoder(dict[str, Any])


class Read(msgspec.Struct):
    """An event of the record opened and read; `said`: it is told."""

    call: RecordedCall
    reading: Reading
    policies: PolicySet
    said: bool = True


async def resolve_events(tx: Tx, entries: Sequence[IngestEntry], tools: GraphTools, *, source_of: Sources) -> int:
    """Resolve queued events of any workspaces in one go; return how many were told."""
    workspace_ids = {entry.workspace_id for entry in entries}
    batch = await open_batch(tx, workspace_ids, tools)
    batch.said = []
    logged = await event_log.read_events(
        tx, [(entry.workspace_id, entry.received_at, entry.event_id) for entry in entries]
    )
    to_tell = await choose_events(tx, entries, {one.event_id: one.is_conflict for one in logged})
    read = [read_call(one, batch.policies[one.workspace_id], tools, source_of) for one in logged]
    for one in read:
        one.said = one.call.event_id in to_tell
    batch.facts = [
        Fact(one.call.workspace_id, msgspec.structs.replace(said, part=part) if part else said)
        for one in read
        for part, said in enumerate(one.reading.evidence)
    ]
    await take_in(tx, batch, tools)
    if batch.erased:
        read = await _without_erased(tx, batch, read)
    put_back = {entry.event_id for entry in entries if entry.predecessor_waits}
    await telling.leave_untold(
        tx,
        {
            (one.call.event_id, one.call.workspace_id)
            for one in read
            if not one.said and one.call.event_id not in put_back
        },
    )
    told = await _tell(tx, batch, tools, [one for one in read if one.said])
    await outbox.add(tx, [*batch.said, *told])
    await identifier_counters.add(tx, _counted(read))
    return len(told)


async def _without_erased(tx: Tx, batch: Batch, read: Sequence[Read]) -> list[Read]:
    """Delete the events of those who were erased from the record; return the others."""
    left: list[Read] = []
    gone: dict[int, list[tuple[datetime, UUID]]] = {}
    for one in read:
        workspace_id = one.call.workspace_id
        if _is_about(one, {identifier for place, identifier in batch.erased if place == workspace_id}):
            gone.setdefault(workspace_id, []).append((one.call.received_at, one.call.event_id))
        else:
            left.append(one)
    for workspace_id, events in gone.items():
        await forgetting.delete_events(tx, workspace_id, events)
    return left


def _is_about(read: Read, erased: Collection[Identifier]) -> bool:
    """Return whether an event is about somebody who was erased: filed under him, or nothing is left of what names him.

    Two accounts of one issuer contradict each other; where one of them was erased, such an event says nothing any more.
    """
    if chosen_subject(read) in erased:
        return True
    naming = [said for said in read.reading.evidence if any(one in erased for one in said.identifiers)]
    return bool(naming) and all(without(said, erased, read.policies) is None for said in naming)


def _counted(read: Sequence[Read]) -> dict[Place, int]:
    """Return how many identifiers of each namespace named somebody and how many did not, by source and day."""
    counts: dict[tuple[int, int, date, str, str], int] = {}
    for one in read:
        if not one.said:
            continue
        call = one.call
        where = call.workspace_id, call.source_id, call.received_at.date()
        for identifier in one.reading.identifiers:
            place = (*where, identifier.namespace, "")
            counts[place] = counts.get(place, 0) + 1
        for bad in one.reading.invalid:
            place = (*where, bad.namespace[:63], bad.reason)
            counts[place] = counts.get(place, 0) + 1
    return {Place(*place): count for place, count in counts.items()}


def read_call(logged: LoggedEvent, policies: PolicySet, tools: GraphTools, source_of: Sources) -> Read:
    """Return an event of the record opened and read under these policies."""
    body = _body.decode(tools.sealer(logged.workspace_id).open(logged.payload))
    call = RecordedCall(
        workspace_id=logged.workspace_id,
        event_id=logged.event_id,
        source_id=logged.source_id,
        received_at=logged.received_at,
        event_time=logged.event_time,
        original_time=logged.original_time,
        kind=logged.kind,
        name=logged.name,
        message_id=logged.message_id,
        imported=logged.imported,
        live=logged.live,
        body=body,
    )
    source = source_of(logged.source_id) or _gone(logged)
    return Read(call, read_evidence(call, source, tools.namespaces, policies), policies)


def _gone(logged: LoggedEvent) -> Source:
    """Return what is assumed of a source that is no longer known: nothing that proves anything."""
    return Source(source_id=logged.source_id, workspace_id=logged.workspace_id, key="gone", name="gone", best_tier=3)


async def _tell(tx: Tx, batch: Batch, tools: GraphTools, read: Sequence[Read]) -> list[EventRecorded]:
    subjects = [_subject(batch, one) for one in read]
    timed = {one for one in subjects if one and batch.nodes[one].is_timed}
    wanted = {(place, one.call.event_time) for place, one in zip(subjects, read, strict=True) if place in timed}
    then = await owners_then(tx, wanted) if wanted else {}
    owners = [
        0 if not place else then[place, one.call.event_time] if place in timed else batch.nodes[place].owner
        for place, one in zip(subjects, read, strict=True)
    ]
    ids = await tools.person_ids(tx, {one for one in owners if one})
    sealers = {one: tools.sealer(one) for one in batch.policies}
    personal = {one: tools.personal_names(one) for one in batch.policies}
    return [
        record_event(
            one.call,
            person_no=nodes.number_of(owner),
            person_id=ids.get(owner),
            subject_no=nodes.number_of(subject_key),
            # with one side of a contradiction that was erased the other is left out as well
            identifier_nos=[
                nodes.number_of(place)
                for identifier in one.reading.identifiers
                if (place := batch.keys.get((one.call.workspace_id, identifier))) is not None
            ],
            authenticated=one.reading.authenticated,
            sealer=sealers[one.call.workspace_id],
            overrides=personal[one.call.workspace_id],
        )
        for one, subject_key, owner in zip(read, subjects, owners, strict=True)
    ]


def chosen_subject(read: Read) -> Identifier | None:
    """Return the identifier an event is filed under: its strongest one that nothing in it contradicts."""
    for said in read.reading.evidence:
        if len(said.identifiers) > 1 and contradictory(said, read.policies):
            return subject(said, read.policies)
    return read.reading.subject


def _subject(batch: Batch, read: Read) -> int:
    """Return the node an event is filed under, 0 for nobody's."""
    chosen = chosen_subject(read)
    return batch.keys.get((read.call.workspace_id, chosen), 0) if chosen is not None else 0
