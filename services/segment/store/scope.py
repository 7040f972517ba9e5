"""Who is asked about, and where their events are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.segment.domain.moved import Moved

EVENT = "event"


@dataclass(frozen=True)
class Scope:
    """Who is asked about: everybody, or `persons`, whose events lie under `stored_under` (their past numbers too).

    `merged` says that some subject of the workspace has another owner now than its rows say. `events` is the table of
    events, or of those of the persons alone (store/gathering.py). About everybody, answers may matter for some alone,
    whom the table `among` names (store/crowds.py): for others they may be anything.
    """

    workspace_id: int
    merged: Moved | None
    persons: Sequence[int] | None = None
    stored_under: Sequence[int] = ()
    events: str = EVENT
    among: str | None = None
