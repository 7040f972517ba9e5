"""Events that the resolver could not read, kept for replay."""

import msgspec

from libs.common.bus.inbox import DeadLetter
from libs.common.db import Tx, statement
from libs.common.ids import new_id
from services.identity.store.ingest_queue import IngestEntry

_ADD = statement(
    "insert into dead_letter (dead_letter_id, workspace_id, consumer, subject, event_id, event, reason)"
    " values (:dead_letter_id, :workspace_id, 'identity-resolve_events', 'identity.event_log', :event_id, :event,"
    " :reason)"
    " on conflict (consumer, event_id) where status = 'open'"
    " do update set reason = excluded.reason, attempts = dead_letter.attempts + 1"
)


async def add(tx: Tx, entry: IngestEntry, *, reason: str) -> None:
    """Keep the reference to an event of the record that cannot be resolved, with the reason."""
    await tx.execute(
        _ADD,
        dead_letter_id=new_id(),
        workspace_id=entry.workspace_id,
        event_id=entry.event_id,
        event=msgspec.json.encode(entry),
        reason=reason,
    )


def entry_of(letter: DeadLetter) -> IngestEntry:
    """Return the entry of the queue a dead letter was."""
    return msgspec.json.decode(letter.event, type=IngestEntry)
