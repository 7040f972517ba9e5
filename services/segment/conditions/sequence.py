"""sequence: ordered steps with filters, a longest time between, the same property in all, nothing else between."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import Occurrence, property_columns, read_filters, read_path
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FILTERS, PATH, SPAN, TEXT, WINDOW, Example, Shape, listed
from services.segment.domain.spans import Span
from services.segment.domain.window import Window, read_window

MOST_STEPS = 10
NEVER = "toInt64(-9223372036854775807)"


@dataclass(frozen=True)
class Step:
    """Events that make a step, and how long after the step before it they may come."""

    what: Occurrence
    within: Span | None = None


@dataclass(frozen=True)
class Sequence(Condition):
    """One event after the other makes each step; none of `without` comes between the first and the last.

    With `same` all of them have the same value there; events without one take no part.
    """

    steps: tuple[Step, ...]
    without: tuple[Occurrence, ...] = ()
    same: tuple[str, ...] = ()

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        bind, window = inquiry.bind, self.steps[0].what.window
        # all of them lie in one window, which is asked of an event once
        inside = window.predicate(inquiry.moment, bind)
        taken = f"{inside} and ({' or '.join(f'({each.whenever(inquiry)})' for each in self._all())})"
        value = "''"
        if self.same:
            column = property_columns(self.same, inquiry)
            value, taken = column.identity, f"{taken} and {column.plain}"
        bits = [
            f"bitShiftLeft(toUInt16({each.whenever(inquiry)}), {bit})"
            for bit, each in enumerate([step.what for step in self.steps])
        ]
        bits += [f"bitShiftLeft(toUInt16({each.whenever(inquiry)}), {MOST_STEPS})" for each in self.without]
        mask = bits[0]
        for bit in bits[1:]:
            mask = f"bitOr({mask}, {bit})"
        order = "toUnixTimestamp64Micro(event_time), received_at, UUIDToNum(event_id)"
        told = f"arraySort(groupArrayIf(({value}, {order}, {mask}), {taken}))"
        start = ", ".join(["''", *[NEVER] * len(self.steps)])
        fold = f"arrayFold((been, event) -> ({self._step(bind)}), {told}, ({start}))"
        ended = f"tupleElement({fold}, {len(self.steps) + 1})"
        names = tuple(sorted({each.name for each in self._all()}))
        shown = f"if({ended} > {NEVER}, toString(fromUnixTimestamp64Micro({ended}, 'UTC')), '')"
        question = Question("event", f"{ended} > {NEVER}", names, None, window.since(inquiry.moment), shown)
        return inquiry.ask(question)

    def _step(self, bind: Binder) -> str:
        """Return how far each step has come (when its last event was) after one more event of that value."""
        value, at, mask = "event.1", "event.2", "event.5"
        parts = [value]
        reached = [f"if(been.1 = {value}, been.{number + 1}, {NEVER})" for number in range(1, len(self.steps))]
        broken = f"bitTest({mask}, {MOST_STEPS})"
        for number, step in enumerate(self.steps):
            fits = f"bitTest({mask}, {number})"
            if number:
                before = reached[number - 1]
                fits = f"{fits} and {before} > {NEVER}"
                if step.within:
                    fits = f"{fits} and {at} - {before} <= {bind.whole(step.within.seconds * 1_000_000)}"
            last = number == len(self.steps) - 1
            otherwise = f"been.{number + 2}" if last else f"if({broken}, {NEVER}, {reached[number]})"
            parts.append(f"if({fits}, {at}, {otherwise})")
        return ", ".join(parts)

    def _all(self) -> list[Occurrence]:
        return [*(step.what for step in self.steps), *self.without]

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(events=frozenset(each.name for each in self._all()))

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        for each in self._all():
            yield from each.edges()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        for position, step in enumerate(self.steps):
            yield from step.what.patterns(f"sequence/{position}/where")
        for position, each in enumerate(self.without):
            yield from each.patterns(f"without/{position}/where")


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("sequence", "max_gap", "window", "same", "without")
    window = read_window(reader.get("window"))
    gap = reader.get("max_gap")
    longest = _gap(gap) if gap else None
    given = reader.need("sequence").items(at_least=2, at_most=MOST_STEPS)
    steps = tuple(_read_step(item, grammar, window, longest) for item in given)
    without = reader.get("without")
    absent = without.items(at_least=1, at_most=MOST_STEPS) if without else ()
    same = reader.get("same")
    return Sequence(
        steps,
        tuple(_read_event(item, grammar, window) for item in absent),
        read_path(same) if same else (),
    )


def _read_step(reader: Reader, grammar: Grammar, window: Window, longest: Span | None) -> Step:
    reader.only("event", "where", "within")
    within = reader.get("within")
    what = Occurrence(reader.need("event").text(), read_filters(reader.get("where"), grammar), window)
    return Step(what, _gap(within) if within else longest)


def _read_event(reader: Reader, grammar: Grammar, window: Window) -> Occurrence:
    reader.only("event", "where")
    return Occurrence(reader.need("event").text(), read_filters(reader.get("where"), grammar), window)


def _gap(reader: Reader) -> Span:
    span = reader.length()
    if span.months:
        raise reader.refuse("an exact length is expected between steps: seconds to weeks")
    return span


condition = ConditionKind(
    ("sequence",),
    _parse,
    (
        Shape(
            {"sequence": listed(Shape({"event": TEXT}, {"where": FILTERS, "within": SPAN}).schema(), 2, MOST_STEPS)},
            {
                "max_gap": SPAN,
                "window": WINDOW,
                "same": PATH,
                "without": listed(Shape({"event": TEXT}, {"where": FILTERS}).schema(), 1, MOST_STEPS),
            },
        ),
    ),
    (
        Example(
            "put into the cart and did not pay, then came back, each within a day",
            {"sequence": [{"event": "cart"}, {"event": "seen"}], "max_gap": "1 day", "without": [{"event": "paid"}]},
        ),
        Example(
            "saw a product and bought the same one within two hours, this month",
            {
                "sequence": [{"event": "seen"}, {"event": "bought", "within": "2 hours"}],
                "same": "product_id",
                "window": {"last": "1 month"},
            },
        ),
    ),
)
