"""A run: one person's way through one version of a journey."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

RunState = Literal["active", "waiting", "completed", "exited"]
ExitReason = Literal[
    "goal", "exit_rule", "not_matching", "consent", "suppressed", "erased", "merged", "version", "expired", "loop",
    "operator", "error",
]  # fmt: skip
Arm = Literal["", "treatment", "control"]
ENTRY = "entry"
"""The node every run begins in; no node of an author may be called so."""


class Run(msgspec.Struct, kw_only=True):
    """Where a run stands.

    `entry` holds the properties of the event that began it, `visits` how often nodes on cycles were reached.
    `planned_at` is when the run should have gone on: the timer's own time, also when a pause kept it longer. `arriving`
    is true until the node has made its first decision of this visit.
    """

    run_id: UUID
    workspace_id: int
    journey_id: UUID
    version: int
    person_no: int
    person_id: UUID
    entry_time: datetime
    entry_event_id: UUID | None
    node: str = ENTRY
    visit: int = 1
    arriving: bool = True
    arrived_at: datetime
    planned_at: datetime
    visits: dict[str, int] = {}
    entry: Mapping[str, Any] = {}
    zone: str | None = None
    arm: Arm = ""
    sequence: int = 0
    attempts: int = 0

    @property
    def here(self) -> str:
        """Return the key of this visit: the idempotency key of what the node does."""
        return f"{self.run_id}/{self.node}/{self.visit}"
