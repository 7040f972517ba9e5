"""What the first, or the last, of a person's events says: the last X (where ...) has property ..."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import MOST_FILTERS, ORDER, Occurrence, PropertyTest, patterns_of, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FILTERS, TEXT, WINDOW, Example, Shape, listed, named
from services.segment.domain.window import read_window


@dataclass(frozen=True)
class OuterEvent(Condition):
    """The first (or last) of the events has all the properties."""

    what: Occurrence
    last: bool
    has: tuple[PropertyTest, ...]

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        these = self.what.predicate(inquiry)
        wanted = " and ".join(tested.sql(inquiry) for tested in self.has)
        pick = "argMaxIf" if self.last else "argMinIf"
        holds = f"countIf({these}) > 0 and {pick}(toUInt8({wanted}), {ORDER}, {these}) = 1"
        shown = f"{pick}(toString(event_time), {ORDER}, {these})"
        return inquiry.ask(self.what.question(inquiry, holds, value=shown))

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns()

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.what.edges()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()
        yield from patterns_of(self.has, "has")


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    key = "last_event" if "last_event" in reader.members() else "first_event"
    reader.only(key, "where", "has", "window")
    where = read_filters(reader.get("where"), grammar)
    what = Occurrence(reader.need(key).text(), where, read_window(reader.get("window")))
    given = reader.need("has")
    has = read_filters(given, grammar)
    if given.value == []:
        raise given.refuse("an empty list says nothing: add what the event must have")
    return OuterEvent(what, key == "last_event", has)


condition = ConditionKind(
    ("last_event", "first_event"),
    _parse,
    (
        Shape(
            {"last_event": TEXT, "has": listed(named("filter"), 1, MOST_FILTERS)}, {"where": FILTERS, "window": WINDOW}
        ),
        Shape(
            {"first_event": TEXT, "has": listed(named("filter"), 1, MOST_FILTERS)}, {"where": FILTERS, "window": WINDOW}
        ),
    ),
    (
        Example(
            "the last ranked game was won",
            {
                "last_event": "game_ended",
                "where": [{"prop": "mode", "op": "equals", "value": "ranked"}],
                "has": [{"prop": "won", "op": "equals", "value": True}],
            },
        ),
        Example(
            "the first order was above 100",
            {"first_event": "bought", "has": [{"prop": "amount", "op": "gt", "value": 100}]},
        ),
    ),
)
