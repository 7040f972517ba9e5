"""Of persons who are one: which messages say to him what he gets, or got, as the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class Stage(IntEnum):
    """How far a message is: the further has the better right to say it."""

    LEFT = 0
    """A provider has it."""
    LEAVING = 1
    """It holds a slot and no provider has taken it yet: it may still fail."""
    GOING = 2
    """It would go now."""
    WAITING = 3
    """It may be refused yet, or the merge be undone, before it is due."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An intent: `origin` is what made it (journey and node, campaign, content); `due_at` is when it is tried next."""

    intent_id: UUID
    person_no: int
    side_no: int
    origin: str
    stage: Stage
    requested_at: datetime
    due_at: datetime | None = None


def twins(asked: Iterable[Asked]) -> dict[UUID, Asked]:
    """Return, of what has not left and is not leaving, loser -> winner: the furthest wins, then the earliest asked for.

    What waits takes nobody's place. Two intents of one side are no twins: he entered the journey twice, and each is
    its own decision.
    """
    losers: dict[UUID, Asked] = {}
    kept: dict[tuple[int, str], list[Asked]] = {}
    for item in sorted(asked, key=lambda a: (a.stage, a.requested_at, a.intent_id.bytes)):
        group = kept.setdefault((item.person_no, item.origin), [])
        winner = next((one for one in group if one.side_no != item.side_no), None)
        if winner is not None and item.stage > Stage.LEAVING:
            losers[item.intent_id] = winner
        elif item.stage < Stage.WAITING:
            group.append(item)
    return losers
