"""What can become of a message, as a join: any order of reports ends in the same state."""

from typing import Literal

State = Literal[
    "queued", "deferred", "retrying", "submitted", "unknown", "dropped", "sent", "failed", "delivered",
    "opened", "clicked", "replied", "complained", "unsubscribed",
]  # fmt: skip

_RANK: dict[str, int] = {
    "queued": 0,
    "deferred": 1,
    "retrying": 2,
    "submitted": 3,
    "unknown": 4,
    "sent": 5,
    # Delivered beats a failure, whichever report comes first: the person has it in hand.
    "failed": 6,
    "delivered": 7,
    "opened": 8,
    "clicked": 9,
    "replied": 10,
    "unsubscribed": 11,
    "complained": 12,
    # Decided by the gate: nothing was handed to anybody, so no report can follow.
    "dropped": 99,
}

BEFORE_HANDOFF = frozenset({"queued", "deferred", "retrying"})
"""States that move freely until something is handed to a provider."""
RECEIPTS = frozenset({"delivered", "opened", "clicked", "replied", "unsubscribed", "complained"})
"""States a report from outside may bring."""
REACHED = frozenset({"sent"} | RECEIPTS)
"""The provider took it: it counts against every cap."""


def later(first: State, second: State) -> State:
    """Return the state after both were reported: the further one, so that order and repeats do not matter."""
    return first if _RANK[first] >= _RANK[second] else second


def is_over(state: State) -> bool:
    """Return whether the pipeline has no more to do for a message in this state."""
    return state in {"dropped", "sent", "failed"} or state in RECEIPTS
