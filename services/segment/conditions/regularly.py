"""regularly: at least so often in so many of the last n periods, counted back from now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry
from services.segment.domain.counting import Count, read_count
from services.segment.domain.edges import Edge, TimeEdge
from services.segment.domain.formula import EVERYBODY, Formula
from services.segment.domain.occurrence import Occurrence, ask_also_of_nobody, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import COUNT, FILTERS, SPAN, TEXT, Example, Shape, whole
from services.segment.domain.spans import LONGEST, Span
from services.segment.domain.window import Window

MOST_PERIODS = 100


@dataclass(frozen=True)
class Regularly(Condition):
    """In at least `at_least` of the last `periods` periods the events came about so often."""

    what: Occurrence
    count: Count
    period: Span
    periods: int
    at_least: int

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        when_none = self.count.has(0)
        if when_none and self.count.high is None:
            return EVERYBODY
        bind, moment = inquiry.bind, inquiry.moment
        starts = [(self.period * number).earlier(moment.now, moment.zone) for number in range(1, self.periods)]
        whole = replace(self.what, window=Window(self.period * self.periods))
        # the filters stand in the question once, not once a period
        period = f"toInt64(arrayCount(start -> event_time < start, {bind.times(starts)}))" if starts else "0"
        counts = f"countIfResample(0, {self.periods}, 1)({whole.predicate(inquiry)}, {period})"
        held = f"arrayCount(counted -> {self.count.sql('counted', bind)}, {counts})"
        question = whole.question(inquiry, f"{held} >= {inquiry.bind.whole(self.at_least)}", value=f"toString({held})")
        return ask_also_of_nobody(inquiry, question, when_none=when_none)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns()

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.what.edges()
        for number in range(1, self.periods + 1):
            yield Edge("event", self.what.name, self.period * number, after=True)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("regularly", "count", "period", "periods", "at_least", "where")
    what = Occurrence(reader.need("regularly").text(), read_filters(reader.get("where"), grammar))
    given = reader.need("period")
    period = given.length()
    periods = reader.need("periods").whole(at_least=1, at_most=MOST_PERIODS)
    if not (period * periods).within(LONGEST):
        raise given.refuse("all the periods together are longer than 100 years")
    at_least = reader.get("at_least")
    wanted = at_least.whole(at_least=1, at_most=periods) if at_least else periods
    return Regularly(what, read_count(reader.get("count")), period, periods, wanted)


condition = ConditionKind(
    ("regularly",),
    _parse,
    (
        Shape(
            {"regularly": TEXT, "period": SPAN, "periods": whole(1, MOST_PERIODS)},
            {"count": COUNT, "at_least": whole(1, MOST_PERIODS), "where": FILTERS},
        ),
    ),
    (
        Example(
            "played at least twice in three of the last four weeks",
            {"regularly": "played", "count": {"op": "gte", "n": 2}, "period": "1 week", "periods": 4, "at_least": 3},
        ),
    ),
)
