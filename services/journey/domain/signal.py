"""What happened to a person, in the one form the engine knows: an event, a segment change, a message's outcome."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.journey.domain.filters import Filter, all_hold

SegmentState = Literal["entered", "exited"]


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; `at` is its event time, `name` what triggers listen to."""

    id: UUID
    name: str
    at: datetime
    properties: Mapping[str, Any] = {}

    @property
    def order(self) -> tuple[datetime, UUID]:
        """Return the order of happening, the same whatever the order of arrival."""
        return (self.at, self.id)


_OURS = ("$segment.", "$message:")


def is_reserved(event_name: str) -> bool:
    """Return whether an event's name would pass for a signal of ours."""
    return event_name.startswith(_OURS)


def segment_signal(segment: str, state: SegmentState) -> str:
    """Return the name of a person entering or leaving a segment; no event passes for it."""
    return f"$segment.{state}:{segment}"


def message_signal(node: str, visit: int) -> str:
    """Return the name of an outcome of the message a node sent at a visit."""
    return f"$message:{node}:{visit}"


class Trigger(BaseModel):
    """An event with filters, or a segment change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: str | None = Field(default=None, min_length=1, max_length=200)
    filter: tuple[Filter, ...] = Field(default=(), max_length=50)
    segment: str | None = Field(default=None, min_length=1, max_length=200)
    state: SegmentState = "entered"

    @model_validator(mode="after")
    def _names_one_thing(self) -> "Trigger":
        if (self.event is None) == (self.segment is None):
            raise ValueError("name either an `event` or a `segment`")
        if self.segment is not None and self.filter:
            raise ValueError("a segment change has no properties to filter by")
        return self

    @property
    def signal(self) -> str:
        """Return the name of the signals this listens to."""
        return self.event if self.event is not None else segment_signal(self.segment or "", self.state)

    @property
    def reads_entry(self) -> bool:
        """Return whether a filter compares with the event that began the run."""
        return any(condition.same is not None for condition in self.filter)

    @property
    def label(self) -> str:
        """Return how the trace names it."""
        return self.event if self.event is not None else f"segment:{self.segment}"

    def fires(self, signal: Signal, entry: Mapping[str, Any]) -> bool:
        """Return whether a signal is what this waits for; `entry` are the properties of the run's first event."""
        return signal.name == self.signal and all_hold(self.filter, signal.properties, entry)


def earliest(
    triggers: Iterable[Trigger], heard: Iterable[Signal], entry: Mapping[str, Any]
) -> tuple[int, Signal] | None:
    """Return the first signal by event time that fires a trigger, and which trigger; None when there is none."""
    listening = tuple(triggers)
    for signal in sorted(heard, key=lambda s: s.order):
        for position, trigger in enumerate(listening):
            if trigger.fires(signal, entry):
                return position, signal
    return None
