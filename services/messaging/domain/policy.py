"""The rules of a workspace about how often, when and to whom; kept as JSON, read as frozen values."""

from datetime import timedelta
from typing import Any, Literal

import msgspec

Channel = str
CalendarUnit = Literal["day", "week", "month"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Rolling(msgspec.Struct, frozen=True, tag="rolling", tag_field="kind"):
    """The last `duration` before a moment; what is exactly that old has left it."""

    duration: timedelta


class Calendar(msgspec.Struct, frozen=True, tag="calendar", tag_field="kind"):
    """The person's present day, week or month."""

    unit: CalendarUnit
    week_starts: Weekday = "mon"


class Cap(msgspec.Struct, frozen=True):
    """At most `count` messages a person in the window, over those that fit every set that is not empty."""

    id: str
    count: int
    window: Rolling | Calendar
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    campaigns: frozenset[str] = frozenset()


class Quiet(msgspec.Struct, frozen=True):
    """No sending from `opens` to `closes` (minutes of the person's day, over midnight when opens > closes)."""

    opens: int
    closes: int
    days: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    then: Literal["defer", "drop"] = "defer"


class Dedupe(msgspec.Struct, frozen=True):
    """The same content or topic not twice to a person within `window`."""

    by: Literal["content", "topic"]
    window: timedelta


class Sender(msgspec.Struct, frozen=True):
    """Who mail comes from."""

    address: str = ""
    name: str = ""
    reply_to: str = ""


class Policy(msgspec.Struct, frozen=True):
    """Everything the gate needs to know about a workspace."""

    caps: tuple[Cap, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    dedupe: tuple[Dedupe, ...] = ()
    arbitration_seconds: float = 0.0
    holdout_percent: float = 0.0
    holdout_salt: str = "holdout"
    address_window_seconds: float = 86_400.0
    expires_after_seconds: float = 259_200.0
    sender: Sender = Sender()
    zone: str = "UTC"

    @property
    def horizon(self) -> timedelta:
        """Return how far back sent messages matter."""
        spans = [timedelta(seconds=self.address_window_seconds + self.arbitration_seconds)]
        spans += [d.window for d in self.dedupe]
        spans += [c.window.duration if isinstance(c.window, Rolling) else timedelta(days=33) for c in self.caps]
        return max(spans)


def read_policy(stored: Any) -> Policy:
    """Return the policy kept as JSON by `write_policy`."""
    return msgspec.convert(stored, Policy, strict=False)


def write_policy(policy: Policy) -> Any:
    """Return the policy as plain JSON values."""
    return msgspec.to_builtins(policy)
