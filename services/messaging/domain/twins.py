"""Of persons who are one: which messages say to him what he gets, or got, as the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent: `origin` is what made it (journey and node, campaign, content), `has_left` that it was handed over."""

    intent_id: UUID
    person_no: int
    side_no: int
    origin: str
    has_left: bool
    requested_at: datetime


def twins(asked: Iterable[Asked]) -> dict[UUID, UUID]:
    """Return loser -> winner among what left and what would go now: what left wins, else the earliest.

    What waits for its time takes nobody's place: it may be refused, or the merge be undone, before it is due. Two
    intents of one side are no twins: he entered the journey twice, and each is its own decision.
    """
    losers: dict[UUID, UUID] = {}
    kept: dict[tuple[int, str], list[Asked]] = {}
    for item in sorted(asked, key=lambda a: (not a.has_left, a.requested_at, a.intent_id.bytes)):
        group = kept.setdefault((item.person_no, item.origin), [])
        winner = next((one for one in group if one.side_no != item.side_no), None)
        if winner is None or item.has_left:
            group.append(item)
        else:
            losers[item.intent_id] = winner.intent_id
    return losers
