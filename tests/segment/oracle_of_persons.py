"""What the oracle is told of persons and of the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Word:
    """A statement of consent: about (purpose, channel, topic), where `*` and no topic are all; a "yes" may run out."""

    scope: tuple[str, str, str]
    yes: bool
    at: datetime
    expires: datetime | None = None


@dataclass
class Person:
    """A person's traits with since when each has its value, his events, what he allowed, since when he is known."""

    traits: dict[str, Any] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    events: list[tuple[str, datetime, dict[str, Any]]] = field(default_factory=list)
    consents: dict[int, list[Word]] = field(default_factory=dict)
    """By identifier, what was said."""
    channels: set[str] = field(default_factory=set)
    """Where he has a usable address."""
    known: datetime | None = None
    number: int = 0
    accounts: list[dict[str, Any]] = field(default_factory=list)
    """The traits of each account he belongs to."""
    tags: dict[str, datetime | None] = field(default_factory=dict)
    """Until when he has each (None: no end)."""
    named: bool = False
    """Whether an identifier names him; browsers, devices and visits do not."""


@dataclass(frozen=True)
class When:
    """Now, the workspace's zone, and where silence allows contact (or, declared so, does not)."""

    now: datetime
    zone: str = "UTC"
    opt_out: Mapping[tuple[str, str], bool] = field(default_factory=dict)
