"""Time as a source of touched persons: which stored rows change a condition's answer as the clock goes on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.segment.domain.moment import Moment, Period
from services.segment.domain.spans import TICK, Span


@dataclass(frozen=True, slots=True)
class Edge:
    """The rows under `name` whose time (or since) the clock, `span` behind (ahead when forward), comes upon.

    When `after`, the answer changes one tick after the clock reached the row, else as it reaches it.
    """

    source: Literal["event", "trait"]
    name: str
    span: Span
    after: bool
    column: Literal["time", "since"] = "time"
    forward: bool = False
    prefix: bool = False
    path: tuple[str, ...] = ()

    def reaches(self, moment: Moment) -> datetime:
        """Return the time the edge stands at."""
        return self.span.later(moment.now, moment.zone) if self.forward else self.span.earlier(moment.now, moment.zone)

    def due(self, row_time: datetime, zone: str) -> datetime:
        """Return the instant at which a row of this time changes the answer."""
        return self.span.passes(row_time, zone, forward=self.forward) + (TICK if self.after else TICK * 0)


@dataclass(frozen=True, slots=True)
class CalendarEdge:
    """Everybody with the trait, whenever a calendar period begins."""

    name: str
    period: Period

    def due(self, moment: Moment) -> datetime:
        """Return the next instant such a period begins."""
        return moment.period(self.period, 0)[1]


TimeEdge = Edge | CalendarEdge
