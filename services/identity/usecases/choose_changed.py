"""Who is to be compared next: everybody once, then those of whom something was told since."""

from datetime import datetime

import msgspec

from libs.common.db import Tx
from services.identity.store import match_looks
from services.identity.store.match_looks import MatchLook

PERSONS = 100
"""Compared in one round: with as many others as agree with them in something, well under a second."""
EVENTS = 2_000
"""Of the record read in one round."""
TELLING = "identify"


class Chosen(msgspec.Struct, frozen=True):
    """Persons by number, and where the look stands once they are compared; `is_end`: nobody is left for now."""

    person_nos: list[int]
    then: MatchLook
    is_end: bool


async def choose_changed(tx: Tx, look: MatchLook, until: datetime) -> Chosen:
    """Choose among those of whom all is known that was received before `until`."""
    if look.after_person is not None:
        found = await match_looks.persons_after(tx, look.workspace_id, look.after_person, PERSONS)
        return Chosen(found, msgspec.structs.replace(look, after_person=found[-1] if found else None), is_end=False)
    events = await match_looks.events_after(tx, look, until, EVENTS)
    telling = [one for one in events if one.kind == TELLING][:PERSONS]
    if not events:
        return Chosen([], look, is_end=True)
    last = telling[-1] if len(telling) == PERSONS else events[-1]
    then = msgspec.structs.replace(look, after_at=last.received_at, after_id=last.event_id)
    found = await match_looks.persons_told_of(tx, look.workspace_id, [one.event_id for one in telling])
    return Chosen(found, then, is_end=len(events) < EVENTS and last is events[-1])
