from typing import ClassVar, Literal
from uuid import UUID

from libs.common.contracts.event import Event


class RunProgressed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person entered, moved in or left a journey; `sequence` grows per run."""

    subject: ClassVar[str] = "journey.run.progressed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment")
    kept: ClassVar[bool] = True

    run_id: UUID
    journey_id: UUID
    journey_version: int
    person_id: UUID
    state: Literal["entered", "moved", "completed", "exited"]
    sequence: int
    journey_name: str = ""
    node: str = ""
    reason: str = ""
    arm: str = ""
    converted: bool = False
