"""A journey as its author writes it: who enters, what ends it, and the list of its nodes."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.journey.domain.duration import Duration, Span, parse_duration
from services.journey.domain.filters import Filter
from services.journey.domain.signal import Trigger, segment_signal

EntryKind = Literal["event", "segment_entered", "segment_exited", "api"]
SILENT_CAUSES = frozenset({"edit", "merge", "split", "backfill", "manual", "reconcile"})
"""Membership changes that start no journey unless its entry asks for them."""


AT_ONCE = parse_duration("PT0S")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Part):
    """What brings a person in."""

    on: EntryKind
    event: str | None = Field(default=None, min_length=1, max_length=200)
    filter: tuple[Filter, ...] = Field(default=(), max_length=50)
    segment: str | None = Field(default=None, min_length=1, max_length=200)
    causes: tuple[Literal["edit", "merge", "split", "backfill", "manual", "reconcile"], ...] = ()
    """Silent causes that start runs all the same."""

    @model_validator(mode="after")
    def _names_what_it_hears(self) -> "Entry":
        if (self.on == "event") != (self.event is not None):
            raise ValueError("`event` names the event of an entry `on: event`, and only of it")
        if self.on.startswith("segment") != (self.segment is not None):
            raise ValueError("`segment` names the segment of an entry `on: segment_entered` or `segment_exited`")
        if self.filter and self.segment is not None:
            raise ValueError("a segment change has no properties to filter by")
        return self

    @property
    def signal(self) -> str | None:
        """Return the name of the signals that bring people in; None when only a call does."""
        if self.on == "event":
            return self.event
        if self.segment is not None:
            return segment_signal(self.segment, "entered" if self.on == "segment_entered" else "exited")
        return None

    def admits_cause(self, cause: str | None) -> bool:
        """Return whether a membership change with this cause starts a run."""
        return cause is None or cause not in SILENT_CAUSES or cause in self.causes


class Goal(Trigger):
    """What the journey is for; `window` counts from the entry."""

    window: Span | None = None


class Control(_Part):
    """The share of persons who walk the journey without being sent anything."""

    percent: float = Field(gt=0, lt=100)


class After(_Part):
    """Enter again when this long has passed since the last entry."""

    after: Span


def _re_entry(value: Any) -> Any:
    if isinstance(value, str) and value not in {"never", "always", "after_leaving"}:
        raise ValueError("say never, always, after_leaving or {after: duration}")
    return value


class Definition(_Part):
    """Everything but the nodes; those are read by their kinds."""

    entry: Entry
    entry_key: tuple[str, ...] = Field(default=("person",), min_length=1, max_length=4)
    re_entry: Annotated[Literal["never", "always", "after_leaving"] | After, BeforeValidator(_re_entry)] = "never"
    concurrent: bool = False
    exit_rules: tuple[Trigger, ...] = Field(default=(), max_length=50)
    goal: Goal | None = None
    control: Control | None = None

    @model_validator(mode="after")
    def _key_begins_with_the_person(self) -> "Definition":
        if self.entry_key[0] != "person":
            raise ValueError("`entry_key` begins with person; event properties may follow")
        return self

    @property
    def key_paths(self) -> tuple[str, ...]:
        """Return the event properties that are part of the run key."""
        return self.entry_key[1:]

    @property
    def is_exclusive(self) -> bool:
        """Return whether a key has one live run at most."""
        return not self.concurrent or self.re_entry == "after_leaving"

    @property
    def re_entry_gap(self) -> Duration | None:
        """Return how long after an entry the next may come; None for never again."""
        if self.re_entry == "never":
            return None
        return self.re_entry.after if isinstance(self.re_entry, After) else AT_ONCE
