"""After a merge: which queued messages say to the one person what he gets, or got, as the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent of one of the merged persons: `origin` is what made it (journey and node, campaign, content)."""

    intent_id: UUID
    person_no: int
    origin: str
    is_waiting: bool
    requested_at: datetime


def twins(asked: Iterable[Asked]) -> dict[UUID, UUID]:
    """Return loser -> winner: of one origin, asked for different persons, what left wins, else the earliest.

    Two intents of one and the same person are no twins: he entered the journey twice, and each is its own decision.
    """
    losers: dict[UUID, UUID] = {}
    kept: dict[str, list[Asked]] = {}
    for item in sorted(asked, key=lambda a: (a.is_waiting, a.requested_at, a.intent_id.bytes)):
        others = [k for k in kept.get(item.origin, []) if k.person_no != item.person_no]
        if item.is_waiting and others:
            losers[item.intent_id] = others[0].intent_id
        else:
            kept.setdefault(item.origin, []).append(item)
    return losers
