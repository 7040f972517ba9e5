"""Time as a source of touched persons: which stored rows change a condition's answer as the clock goes on."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import msgspec

from services.segment.domain.moment import Moment, Period, all_zones
from services.segment.domain.spans import Span
from services.segment.domain.turns import Turn
from services.segment.domain.walls import TICK


class Edge(msgspec.Struct, frozen=True, cache_hash=True):
    """The rows under `name` whose time (or since) the clock, `span` behind (ahead when forward), comes upon.

    With a `Turn` it is the beginning of a calendar period that comes upon them, all of a period's at once.
    When `after`, the answer changes as the clock goes beyond the row, else as it reaches it.
    """

    source: Literal["event", "trait"]
    name: str
    span: Span | Turn
    after: bool
    column: Literal["time", "since"] = "time"
    forward: bool = False
    prefix: bool = False
    path: tuple[str, ...] = ()

    @property
    def unnamed(self) -> "Edge":
        """Return the edge as it is for rows of any name: the clock stands at the same place for all of them."""
        return msgspec.structs.replace(self, name="", prefix=False)

    def is_of(self, source: str, name: str) -> bool:
        """Tell whether rows of a source under a name are among its."""
        return source == self.source and (name.startswith(self.name) if self.prefix else name == self.name)

    @property
    def stands(self) -> bool:
        """Tell whether it stands still between the turns of a calendar."""
        return isinstance(self.span, Turn)

    def reaches(self, moment: Moment) -> datetime:
        """Return the time the edge stands at."""
        if isinstance(self.span, Turn):
            return self.span.reached(moment)
        return self.span.later(moment.now, moment.zone) if self.forward else self.span.earlier(moment.now, moment.zone)

    def due(self, row_time: datetime, moment: Moment) -> datetime:
        """Return the instant at which a row of this time changes the answer."""
        # not a tick after the clock is there: at the end of a month it may stand there for days
        reached = row_time + TICK if self.after else row_time
        if isinstance(self.span, Turn):
            return self.span.passes(reached, moment)
        return self.span.passes(reached, moment.zone, forward=self.forward)


@dataclass(frozen=True, slots=True)
class CalendarEdge:
    """Everybody with the trait, whenever a calendar period begins."""

    name: str
    period: Period

    def is_of(self, source: str, name: str) -> bool:
        """Tell whether rows of a source under a name are among its."""
        return source == "trait" and name == self.name

    def due(self, moment: Moment) -> datetime:
        """Return the next instant such a period begins."""
        return self.workspace_begins(moment)

    def workspace_begins(self, moment: Moment) -> datetime:
        """Return the next instant such a period begins in the workspace."""
        return moment.period(self.period, 0)[1]


@dataclass(frozen=True, slots=True)
class PersonCalendarEdge:
    """Who has the trait, whenever a calendar period begins in his own time zone."""

    name: str
    period: Period

    def is_of(self, source: str, name: str) -> bool:
        """Tell whether rows of a source under a name are among its."""
        return source == "trait" and name == self.name

    def workspace_begins(self, moment: Moment) -> datetime:
        """Return the next instant such a period begins in the workspace."""
        return moment.period(self.period, 0)[1]

    def due(self, moment: Moment) -> datetime:
        """Return the next instant such a period begins anywhere."""
        return min(self._begins(moment, zone) for zone in (moment.zone, *all_zones()))

    def zones_between(self, last: Moment, now: datetime) -> list[str]:
        """Return the zones in which such a period begins after `last` and up to `now`."""
        return [zone for zone in all_zones() if self._begins(last, zone) <= now]

    def _begins(self, moment: Moment, zone: str) -> datetime:
        return replace(moment, zone=zone).period(self.period, 0)[1]


TimeEdge = Edge | CalendarEdge | PersonCalendarEdge


class Passed(msgspec.Struct, frozen=True, cache_hash=True):
    """Rows of a name that the clock came upon: by an edge (`unnamed`), or by a calendar (None)."""

    edge: Edge | None
    source: str
    name: str

    def is_of(self, edge: TimeEdge) -> bool:
        """Tell whether a time edge was what the clock reached."""
        unnamed = edge.unnamed if isinstance(edge, Edge) else None
        return unnamed == self.edge and edge.is_of(self.source, self.name)
