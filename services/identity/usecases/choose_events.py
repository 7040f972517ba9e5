"""Decide which of the events being read are told to the others."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.copies import Copy, choose_told
from services.identity.store import ingest_queue
from services.identity.store.ingest_queue import IngestEntry


async def choose_events(tx: Tx, entries: Sequence[IngestEntry], conflicts: Mapping[UUID, bool]) -> set[UUID]:
    """Return the events to tell: of several copies of one exactly one, whatever workers and batches read them.

    `conflicts` says of each event whether another copy is the event by now. Nearly always nothing is contested.
    """
    if not any(conflicts.values()) and not any(entry.evidence_only or entry.replaces for entry in entries):
        return {entry.event_id for entry in entries}
    candidates = [entry for entry in entries if not entry.evidence_only]
    waiting = [entry for entry in candidates if entry.predecessor_waits]
    if waiting:
        await ingest_queue.put_back(tx, waiting)
        candidates = [entry for entry in candidates if not entry.predecessor_waits]
    predecessors = [entry.replaces for entry in candidates if entry.replaces is not None]
    passed_before = await ingest_queue.passed_over(tx, predecessors) if predecessors else set()
    copies = [Copy(entry.event_id, conflicts.get(entry.event_id, False), entry.replaces) for entry in candidates]
    choice = choose_told(copies, passed_before)
    passed = [entry for entry in candidates if entry.event_id in choice.passed]
    if passed:
        await ingest_queue.pass_over(tx, passed)
    return choice.told
