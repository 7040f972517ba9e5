"""Take wishes to send into the ledger: each key once, nobody who was erased, the merged under their new number."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from libs.common.db import Tx
from services.messaging.domain.policy import Policy
from services.messaging.store.intents import NewIntent, add_intents, open_windows
from services.messaging.store.persons import standings
from services.messaging.store.redirects import paths_of


def content_key(*parts: str | bytes) -> str:
    """Return, as hex, the key under which two messages say the same."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


async def accept_intents(
    tx: Tx, workspace_id: int, intents: Sequence[NewIntent], *, policy: Policy, now: datetime
) -> set[UUID]:
    """Write the intents whose key is new and queue them; return their ids."""
    present = await _for_the_living(tx, workspace_id, intents)
    if policy.arbitration_seconds > 0:
        present = await _into_windows(tx, workspace_id, present, policy, now)
    return await add_intents(tx, workspace_id, present)


async def _for_the_living(tx: Tx, workspace_id: int, intents: Sequence[NewIntent]) -> list[NewIntent]:
    """Return what is for somebody, under the number he has now and the side it was asked for."""
    numbers = {number for i in intents for number in (i.person_no, i.side_no) if number is not None}
    known = await standings(tx, workspace_id, list(numbers))
    merged = {number for number, standing in known.items() if standing.merged_into is not None}
    paths = await paths_of(tx, workspace_id, merged) if merged else {}
    present = []
    for intent in intents:
        if (standing := known.get(intent.person_no)) is not None and standing.erased_at is not None:
            continue
        person_no = paths.get(intent.person_no, (intent.person_no,))[-1]
        side_no = intent.person_no if intent.side_no is None else intent.side_no
        if paths.get(side_no, (side_no,))[-1] != person_no:  # parted since, or not yet heard to be one
            side_no = intent.person_no
        kept = side_no if side_no != person_no else None
        present.append(msgspec.structs.replace(intent, person_no=person_no, side_no=kept))
    return present


async def _into_windows(
    tx: Tx, workspace_id: int, intents: list[NewIntent], policy: Policy, now: datetime
) -> list[NewIntent]:
    """Let what competes wait for the end of the person's window; a transactional message never does."""
    competing = {i.person_no for i in intents if i.message_class != "transactional" and i.due_at <= now}
    ends = await open_windows(tx, workspace_id, list(competing), now=now, seconds=policy.arbitration_seconds)
    placed = []
    for intent in intents:
        end = ends.get(intent.person_no) if intent.message_class != "transactional" and intent.due_at <= now else None
        # What would be dead by then is decided while it still can be.
        if end is not None and intent.expires_at <= end:
            end = max(now, intent.expires_at - timedelta(seconds=1))
        if end is not None:
            intent = msgspec.structs.replace(intent, window_ends_at=ends[intent.person_no], due_at=end)  # noqa: PLW2901 - its place
        placed.append(intent)
    return placed
