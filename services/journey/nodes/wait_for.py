"""Wait for something to happen."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from services.journey.domain.duration import Span, parse_duration
from services.journey.domain.node import Ask, Facts, Go, Node, Outcome, Question, Stay
from services.journey.domain.run import Run
from services.journey.domain.signal import Signal, Trigger, earliest


class Awaited(Trigger):
    """An event or a segment change, and where it leads (the following node unless it says so)."""

    to: str | None = None


class WaitForNode(Node):
    """Waits for the first of several events or segment changes, at most until a time-out.

    What happened since the entry counts, unless `only_new`; a segment the person is in already counts too. Events in
    `restart_on` begin the time-out again.
    """

    kind: ClassVar[str] = "wait_for"

    events: tuple[Awaited, ...] = Field(min_length=1, max_length=50)
    timeout: Span = parse_duration("P1Y")
    timeout_to: str | None = None
    only_new: bool = False
    restart_on: tuple[Trigger, ...] = Field(default=(), max_length=20)

    def branches(self) -> Mapping[str, str | None]:
        """Return a way out per event, and one for the time-out."""
        named = dict(super().branches())
        named |= {f"events/{n}/to": e.to for n, e in enumerate(self.events) if "to" in e.model_fields_set}
        if "timeout_to" in self.model_fields_set:
            named["timeout_to"] = self.timeout_to
        return named

    @property
    def reads_entry(self) -> bool:
        """Return whether a filter compares with the entry event."""
        return any(trigger.reads_entry for trigger in (*self.events, *self.restart_on))

    def listens(self) -> Iterable[str]:
        """Return the signals waited for, and those that restart the time-out."""
        return [trigger.signal for trigger in (*self.events, *self.restart_on)]

    def segments(self) -> Iterable[tuple[str, str]]:
        """Return the segments waited for."""
        named = [(f"events/{n}/segment", e.segment) for n, e in enumerate(self.events)]
        named += [(f"restart_on/{n}/segment", e.segment) for n, e in enumerate(self.restart_on)]
        return [(pointer, segment) for pointer, segment in named if segment]

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """The first to happen before the time-out wins; the time-out wins when its moment has come."""
        since = run.arrived_at if self.only_new or run.visit > 1 else run.entry_time
        heard = [signal for signal in facts.heard if signal.at >= since]
        deadline = self._deadline(run, heard)
        first = earliest(self.events, [signal for signal in heard if signal.at < deadline], run.entry)
        if first is not None:
            return Go(f"events/{first[0]}/to", self.events[first[0]].label, values={"event_id": str(first[1].id)})
        if deadline <= facts.now:
            return Go("timeout_to", "timeout")
        return self._already_true(run, facts) or Stay(deadline)

    def _deadline(self, run: Run, heard: list[Signal]) -> datetime:
        deadline = self.timeout.after(run.arrived_at)
        for signal in sorted(heard, key=lambda s: s.order):
            restarts = any(trigger.fires(signal, run.entry) for trigger in self.restart_on)
            if restarts and run.arrived_at <= signal.at < deadline:
                deadline = self.timeout.after(signal.at)
        return deadline

    def _already_true(self, run: Run, facts: Facts) -> Outcome | None:
        """Ask, once on arrival, for the segments: a person may be in or out of them before anybody looks."""
        if not run.arriving or self.only_new:
            return None
        states = [(n, e, Question("segment", e.segment)) for n, e in enumerate(self.events) if e.segment]
        unknown = tuple(question for _, _, question in states if question not in facts.answers)
        if unknown:
            return Ask(unknown)
        for number, awaited, question in states:
            if bool(facts.answers[question]) == (awaited.state == "entered"):
                return Go(f"events/{number}/to", awaited.label)
        return None


node = WaitForNode
