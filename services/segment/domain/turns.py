"""Bounds that stand still until the calendar turns a page: the beginning of this month, of the week before last."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.segment.domain.moment import Moment, Period


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the calendar period `offset` periods from the present one begins, in the workspace."""

    period: Period
    offset: int = 0

    def reached(self, moment: Moment) -> datetime:
        """Return the instant it stands at."""
        return moment.period(self.period, self.offset)[0]

    def passes(self, instant: datetime, moment: Moment) -> datetime:
        """Return the first `now` at which it stands at `instant` or later."""
        then = replace(moment, now=instant)
        first = 0 if then.period(self.period, 0)[0] >= instant else 1
        return then.period(self.period, first - self.offset)[0]
