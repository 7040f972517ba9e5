"""New persons join the universe, with or without events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.segment.domain.fact import KNOWN_SINCE
from services.segment.store import persons
from services.segment.store.touches import Touch, add_touches


@dataclass(frozen=True)
class Newcomer:
    """A person seen for the first time, or revived."""

    person_no: int
    person_id: UUID
    version: int
    revived: bool
    event_id: UUID
    received_at: datetime


async def add_persons(tx: Tx, *, workspace_id: int, newcomers: Sequence[Newcomer]) -> None:
    """Take persons into the universe, with or without events."""
    given = [(newcomer.person_no, newcomer.person_id, newcomer.version) for newcomer in newcomers]
    took = set(await persons.set_state(tx, workspace_id, given, state=persons.ALIVE))
    # whoever is revived is as old as he was; a merge may have been told before its parts
    older = await persons.known_since(
        tx, workspace_id, {one.person_no: one.received_at for one in newcomers if not one.revived}
    )
    now = await persons.present(tx, workspace_id, [one.person_no for one in newcomers])
    touches = [
        Touch(
            newcomer.person_no, "revived" if newcomer.revived else "event", newcomer.received_at, "", newcomer.event_id
        )
        for newcomer in newcomers
        if newcomer.person_no in took
    ]
    # who was merged, or stands alone again, before he was told of makes the survivor, or himself, older
    late = set(older) - (took - now.keys())
    touches += [
        Touch(now.get(one.person_no, one.person_no), "event", one.received_at, KNOWN_SINCE, one.event_id)
        for one in newcomers
        if one.person_no in late
    ]
    await add_touches(tx, workspace_id, touches)
