"""The stretch of time in which events count."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.segment.domain.binding import Binder
from services.segment.domain.edges import Edge
from services.segment.domain.moment import PERIODS, Moment
from services.segment.domain.reader import Reader
from services.segment.domain.spans import Span
from services.segment.domain.turns import Turn


@dataclass(frozen=True)
class Fixed:
    """A given end of a window; `local` when it names no zone."""

    time: datetime
    local: bool

    def instant(self, zone: str) -> datetime:
        """Return the instant meant in a zone."""
        return self.time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if self.local else self.time


End = Span | Turn | Fixed


@dataclass(frozen=True)
class Window:
    """Half-open: the far end is inside, the near end is not; what is stamped later than now never counts yet.

    An end that moves with the clock is a Span before now, one that moves with the calendar a Turn, one that stands is
    Fixed; none is no bound.
    """

    oldest: End | None = None
    newest: End | None = None

    def since(self, moment: Moment) -> datetime | None:
        """Return the first instant inside."""
        return _instant(self.oldest, moment)

    def predicate(self, moment: Moment, bind: Binder, column: str = "event_time") -> str:
        """Return the SQL predicate on an event's time."""
        parts = [f"{column} <= {bind.time(moment.now)}"]
        since, until = _instant(self.oldest, moment), _instant(self.newest, moment)
        if since is not None:
            parts.append(f"{column} >= {bind.time(since)}")
        if until is not None:
            parts.append(f"{column} < {bind.time(until)}")
        return " and ".join(parts)

    def edges(self, name: str, *, prefix: bool) -> tuple[Edge, ...]:
        """Return when the clock brings an event in or takes it out."""
        moving = [end for end in (self.oldest, self.newest) if isinstance(end, Span | Turn)]
        now = Edge("event", name, Span(), after=False, prefix=prefix)
        return (now, *(Edge("event", name, end, after=True, prefix=prefix) for end in moving))


def _instant(end: End | None, moment: Moment) -> datetime | None:
    if isinstance(end, Span):
        return end.earlier(moment.now, moment.zone)
    if isinstance(end, Turn):
        return end.reached(moment)
    return end.instant(moment.zone) if end else None


EVER = Window()
FURTHEST_OFFSET = -400
"""How many periods back a window may lie."""


def read_window(reader: Reader | None) -> Window:
    """Read a window.

    `{"last": "7 days"}`, `{"from": .., "to": ..}`, `{"from_ago": "14 days", "to_ago": "7 days"}` or
    `{"period": "month", "offset": -1}`.
    """
    if reader is None:
        return EVER
    members = reader.members()
    if "last" in members:
        reader.only("last")
        return Window(reader.need("last").length())
    if "from_ago" in members or "to_ago" in members:
        reader.only("from_ago", "to_ago")
        oldest, newest = reader.get("from_ago"), reader.need("to_ago")
        far, near = oldest.length() if oldest else None, newest.span()
        if far and far.within(near):
            raise reader.refuse("from_ago must be longer ago than to_ago")
        return Window(far, near)
    if "period" in members:
        reader.only("period", "offset")
        return _of_period(reader)
    reader.only("from", "to")
    first, last = reader.get("from"), reader.get("to")
    if first is None and last is None:
        raise reader.refuse("one of last, from, to, from_ago, to_ago, period is expected")
    start, end = Fixed(*first.time()) if first else None, Fixed(*last.time()) if last else None
    if start and end and start.time >= end.time:
        raise reader.refuse("the window ends before it begins")
    return Window(start, end)


def _of_period(reader: Reader) -> Window:
    word = reader.need("period").one_of(*PERIODS)
    period = next(known for known in PERIODS if known == word)
    given = reader.get("offset")
    offset = given.whole(at_least=FURTHEST_OFFSET, at_most=0) if given else 0
    # what is stamped later than now never counts: the present period needs no end
    return Window(Turn(period, offset), Turn(period, offset + 1) if offset else None)
