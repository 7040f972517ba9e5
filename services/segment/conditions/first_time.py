"""When a person did something for the first time ever, or for the last time."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import Occurrence, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FILTERS, SPAN, TEXT, WINDOW, Example, Shape
from services.segment.domain.spans import Span
from services.segment.domain.window import EVER, Window, read_window


@dataclass(frozen=True)
class OuterTime(Condition):
    """The first (or last) of all such events lies in the window, or longer ago than a span."""

    what: Occurrence
    last: bool
    window: Window = EVER
    more_than_ago: Span | None = None

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        these = self.what.predicate(inquiry)
        at = f"{'max' if self.last else 'min'}If(event_time, {these})"
        moment, bind = inquiry.moment, inquiry.bind
        inside = self.window.predicate(moment, bind, at)
        if self.more_than_ago:
            inside = f"{at} < {bind.time(self.more_than_ago.earlier(moment.now, moment.zone))}"
        holds = f"countIf({these}) > 0 and {inside}"
        return inquiry.ask(self.what.question(inquiry, holds, value=f"if(countIf({these}) = 0, '', toString({at}))"))

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns()

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.window.edges(self.what.name, prefix=False)
        if self.more_than_ago:
            yield Edge("event", self.what.name, self.more_than_ago, after=True)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    key = "first_time" if "first_time" in reader.members() else "last_time"
    reader.only(key, "where", "window", "more_than_ago")
    what = Occurrence(reader.need(key).text(), read_filters(reader.get("where"), grammar))
    window, ago = reader.get("window"), reader.get("more_than_ago")
    if window and ago:
        raise ago.refuse("give either `window` or `more_than_ago`")
    return OuterTime(what, key == "last_time", read_window(window), ago.span() if ago else None)


condition = ConditionKind(
    ("first_time", "last_time"),
    _parse,
    (
        Shape({"first_time": TEXT}, {"where": FILTERS, "window": WINDOW}),
        Shape({"last_time": TEXT}, {"where": FILTERS, "window": WINDOW}),
        Shape({"first_time": TEXT, "more_than_ago": SPAN}, {"where": FILTERS}),
        Shape({"last_time": TEXT, "more_than_ago": SPAN}, {"where": FILTERS}),
    ),
    (
        Example(
            "bought for the first time ever within the last month",
            {"first_time": "bought", "window": {"last": "1 month"}},
        ),
        Example("was here, the last time more than ninety days ago", {"last_time": "seen", "more_than_ago": "90 days"}),
    ),
)
