"""A person is to be forgotten: what is queued, what was sent, what it said and where it went."""

from collections import Counter
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.messaging.message_forgotten import MessageForgotten
from libs.common.db import Tx
from libs.common.erasure import forget_dead_letters
from services.messaging.store.erasure import erase_person
from services.messaging.store.persons import lock_persons
from services.messaging.store.suppressions import add_suppressions


async def forget_person(tx: Tx, event: PersonErased, *, now: datetime) -> None:
    """Delete what is held under his numbers and say so; his addresses stay suppressed as keyed hashes only."""
    workspace_id = event.workspace_id
    numbers = sorted({event.person_no, *event.retired_nos})
    await lock_persons(tx, workspace_id, numbers)
    counts: Counter[str] = Counter()
    lookups: set[bytes] = set()
    for number in numbers:  # he was rarely more than one or two
        found, deleted = await erase_person(tx, workspace_id, number, now=now)
        lookups.update(found)
        counts.update(deleted)
    await add_suppressions(tx, workspace_id, [(lookup, "", "erased") for lookup in sorted(lookups)], now=now)
    counts["dead_letter"] = await forget_dead_letters(
        tx, workspace_id, person_nos=numbers, subject_nos=event.subject_nos
    )
    await outbox.add(
        tx,
        MessageForgotten(
            workspace_id=workspace_id, person_no=event.person_no, received_at=event.received_at, occurred_at=now,
            erasure_id=event.erasure_id, deleted=dict(counts),
        ),
    )  # fmt: skip
