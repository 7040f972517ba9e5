"""Wait for a time."""

from datetime import datetime, tzinfo
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.journey.domain.duration import Offset, Span
from services.journey.domain.filters import value_at
from services.journey.domain.local_clock import ClockTime, instant, parse_instant
from services.journey.domain.node import Ask, End, Facts, Go, Node, Outcome, Question, Stay
from services.journey.domain.run import Run
from services.journey.domain.schedule import Date, Once


class PropertyDate(BaseModel):
    """A date that the entry event or the person carries, moved by an offset, at a clock time of the zone if given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["property", "trait"]
    name: str = Field(min_length=1, max_length=200)
    offset: Offset | None = None
    at: ClockTime | None = None

    def moment(self, value: Any, zone: tzinfo) -> datetime | None:
        """Return the instant a value stands for; None when it is no date."""
        try:
            moment = parse_instant(str(value), zone)
            moment = self.offset.after(moment) if self.offset else moment
            if self.at is not None:
                moment = instant(datetime.combine(moment.astimezone(zone).date(), self.at), zone)
        except (ValueError, OverflowError):
            return None
        return moment


def _rule(value: Any) -> Any:
    return {"kind": "date", "value": value} if isinstance(value, str) else value


Until = Annotated[Annotated[Once | PropertyDate, Field(union_mode="left_to_right")], BeforeValidator(_rule)]


class WaitNode(Node):
    """Waits: for a duration, or until a date, a clock time, a weekday or a window in the person's zone."""

    kind: ClassVar[str] = "wait"

    duration: Span | None = Field(default=None, alias="for")
    until: Until | None = None
    if_past: Literal["go_on", "exit"] = "go_on"
    """What becomes of a person whose date has passed when he comes here."""

    @model_validator(mode="after")
    def _waits_for_one_thing(self) -> "WaitNode":
        if (self.duration is None) == (self.until is None):
            raise ValueError("say either `for` how long or `until` when")
        return self

    @property
    def reads_entry(self) -> bool:
        """Return whether the date is the entry event's."""
        return isinstance(self.until, PropertyDate) and self.until.kind == "property"

    @property
    def needs_zone(self) -> bool:
        """Return whether a clock time is involved; a plain duration is the same everywhere."""
        if isinstance(self.until, Date):
            return datetime.fromisoformat(self.until.value).tzinfo is None
        return self.until is not None

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """Go on when the moment has come; a date in the past goes on at once, marked late."""
        if isinstance(self.until, PropertyDate):
            question = Question("trait", self.until.name)
            if self.until.kind == "property":
                value = value_at(run.entry, self.until.name)
            elif question in facts.answers:
                value = facts.answers[question]
            else:
                return Ask((question,))
            return self._at(run, facts, self.until.moment(value, facts.zone))
        if isinstance(self.until, Date):
            return self._at(run, facts, self.until.moment(facts.zone))
        if self.until is not None:
            return self._at(run, facts, self.until.next(run.arrived_at, facts.zone))
        return self._at(run, facts, self.duration.after(run.arrived_at) if self.duration else None)

    def _at(self, run: Run, facts: Facts, moment: datetime | None) -> Outcome:
        if moment is None:
            return Go(reason="no_date")
        if moment > facts.now:
            return Stay(moment)
        if moment < run.arrived_at:
            return End("expired", "its date has passed") if self.if_past == "exit" else Go(reason="late")
        return Go()


node = WaitNode
