"""stopped: did it before, not any more; restarted: did it, was quiet, does it again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.occurrence import Occurrence, read_filters
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FILTERS, SPAN, TEXT, Example, Shape
from services.segment.domain.spans import Span
from services.segment.domain.window import Window


@dataclass(frozen=True)
class Rhythm(Condition):
    """The events came about in each of the windows `did`, and never in the window `quiet`."""

    what: Occurrence
    did: tuple[Window, ...]
    quiet: Window

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        times = [f"countIf({replace(self.what, window=window).predicate(inquiry)})" for window in self.did]
        quiet = f"countIf({replace(self.what, window=self.quiet).predicate(inquiry)})"
        holds = " and ".join([*(f"{counted} > 0" for counted in times), f"{quiet} = 0"])
        last = f"maxIf(event_time, {self.what.predicate(inquiry)})"
        return inquiry.ask(self.what.question(inquiry, holds, value=f"toString({last})"))

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns()

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        for window in (*self.did, self.quiet):
            yield from window.edges(self.what.name, prefix=False)

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()


def _stopped(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("stopped", "did_within", "quiet", "where")
    what = Occurrence(reader.need("stopped").text(), read_filters(reader.get("where"), grammar))
    within = reader.get("did_within")
    far, near = within.length() if within else None, reader.need("quiet").length()
    _refuse_order(within, far, near)
    return Rhythm(what, (Window(far, near),), Window(near))


def _restarted(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("restarted", "quiet_from", "quiet_to", "where")
    what = Occurrence(reader.need("restarted").text(), read_filters(reader.get("where"), grammar))
    given = reader.need("quiet_from")
    far, near = given.length(), reader.need("quiet_to").length()
    _refuse_order(given, far, near)
    return Rhythm(what, (Window(None, far), Window(near)), Window(far, near))


def _refuse_order(given: Reader | None, far: Span | None, near: Span) -> None:
    if given and far and not near.shorter_than(far):
        raise given.refuse("this must be longer ago than the other end of the quiet time")


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    return _stopped(reader, grammar) if "stopped" in reader.members() else _restarted(reader, grammar)


condition = ConditionKind(
    ("stopped", "restarted"),
    _parse,
    (
        Shape({"stopped": TEXT, "quiet": SPAN}, {"did_within": SPAN, "where": FILTERS}),
        Shape({"restarted": TEXT, "quiet_from": SPAN, "quiet_to": SPAN}, {"where": FILTERS}),
    ),
    (
        Example(
            "bought within the last 90 days, but not in the last 30",
            {"stopped": "bought", "did_within": "90 days", "quiet": "30 days"},
        ),
        Example(
            "came back in the last week after being quiet for at least as long as from two months ago",
            {"restarted": "seen", "quiet_from": "2 months", "quiet_to": "7 days"},
        ),
    ),
)
