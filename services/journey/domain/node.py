"""What a node is: typed settings, named ways out, and one pure decision."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from services.journey.domain.run import ExitReason, Run
from services.journey.domain.signal import Signal

NEXT = "next"
"""The way out that leads to the following node of the list unless `next` says otherwise."""


class Question(NamedTuple):
    """Something only another service knows about a person; `subject` names it within its kind."""

    kind: str
    subject: str


class Message(NamedTuple):
    """A message to ask messaging for."""

    node: str
    key: str
    visit: int
    channels: tuple[str, ...]
    purpose: str
    settings: Mapping[str, Any]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Go:
    """Leave by a way out; `assign` is the arm drawn here, kept for ever."""

    branch: str = NEXT
    reason: str = ""
    message: Message | None = None
    assign: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stay:
    """Remain until a moment (None: until something happens)."""

    until: datetime | None
    reason: str = ""
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Leave the journey; no reason means that it was walked to its end."""

    reason: ExitReason | None
    detail: str = ""
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The decision needs answers that are not among the facts."""

    questions: tuple[Question, ...]


Outcome = Go | Stay | End | Ask


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision may know besides the run: what was heard since it began, answers, arms given before."""

    now: datetime
    zone: tzinfo
    heard: tuple[Signal, ...] = ()
    answers: Mapping[Question, Any] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)


class Node(BaseModel):
    """One step of a journey. A kind of node is a file in nodes/ with a subclass named by `type`.

    The law: `decide` is a function of its arguments alone. Asked again with the same run and more facts it may say
    something else; with the same facts it says the same. So a run may be looked at as often as one likes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kind: ClassVar[str]
    guards_loops: ClassVar[bool] = False
    """Whether a cycle through this node is bounded by it."""
    falls_through: ClassVar[bool] = True
    """Whether a way out that is not named leads to the following node of the list."""
    hears_messages: ClassVar[bool] = False
    """Whether the outcomes of its message may change its decision."""
    draws: ClassVar[bool] = False
    """Whether it draws an arm that has to be remembered."""

    id: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.\-]+$")
    next: str | None = None

    def branches(self) -> Mapping[str, str | None]:
        """Return the ways out the author named: JSON pointer below the node -> node id, None for the end."""
        return {"next": self.next} if "next" in self.model_fields_set else {}

    @property
    def reads_entry(self) -> bool:
        """Return whether the decision looks into the event that began the run."""
        return False

    @property
    def needs_zone(self) -> bool:
        """Return whether the decision depends on the person's time zone."""
        return False

    def listens(self) -> Iterable[str]:
        """Return the names of the signals that may change the decision."""
        return ()

    def segments(self) -> Iterable[tuple[str, str]]:
        """Return the segments named, as (JSON pointer below the node, segment)."""
        return ()

    def conditions(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Return the conditions in the language of segments, as (JSON pointer below the node, condition)."""
        return ()

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """Say what a run at this node does now."""
        raise NotImplementedError
