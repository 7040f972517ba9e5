"""Everything the report says, as plain values: what `--json` writes."""

from dataclasses import asdict, dataclass, field
from typing import Any

from demo.scores import Difference, PairScore


@dataclass
class Reconciliation:
    """Every event posted has one place, and every place holds the same number."""

    posted: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    accepted_ever: int = 0
    """in this and earlier runs, by the collector's counters"""
    recorded: int = 0
    """in the event log, by identity's own count"""
    columnar: int = 0
    timelines: int = 0
    own_events_columnar: int = 0
    own_events_timelines: int = 0
    lines_published: int = 0
    lines_rejoined: int = 0
    """order lines read back from the record, split orders rejoined by order_id"""

    @property
    def checks(self) -> dict[str, bool]:
        """Return every equation with whether it holds."""
        return {
            "posted = accepted + duplicates + conflicts + quarantined": self.posted
            == self.accepted + self.duplicates + self.conflicts + self.quarantined,
            "accepted, in all runs = recorded": self.accepted_ever == self.recorded,
            "recorded = columnar": self.recorded == self.columnar,
            "recorded = timelines": self.recorded == self.timelines,
            "our own events: columnar = timelines": self.own_events_columnar == self.own_events_timelines,
            "order lines published = order lines rejoined": self.lines_published == self.lines_rejoined,
        }


@dataclass
class JourneyFigures:
    """One journey: who came in, where they went, what was sent."""

    name: str
    runs: dict[str, int] = field(default_factory=dict)
    """state -> runs"""
    nodes: list[dict[str, Any]] = field(default_factory=list)
    """per node: entered, left by branch"""
    converted: int = 0
    arms: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    """channel, state and reason -> messages"""


@dataclass
class Figures:
    """The whole report."""

    households: int
    step_seconds: float
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    persons: int = 0
    merges: int = 0
    identifiers: int = 0
    pairs: PairScore | None = None
    reachable_pairs: PairScore | None = None
    wrongly_merged: int = 0
    segments: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    journeys: list[JourneyFigures] = field(default_factory=list)
    messages: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    sink_messages: int = 0
    sink_doubled: int = 0
    mails_sent: int = 0
    control_check: Difference | None = None
    effect_known: float = 0.0
    visits_generated: int = 0
    effect_found: Difference | None = None
    events_per_second: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    instants: int = 0
    restarts: list[str] = field(default_factory=list)

    @property
    def findings(self) -> dict[str, bool]:
        """Return what an interval of 95 % should cover: one in twenty does not, so no exit status hangs on it."""
        control, effect = self.control_check, self.effect_found
        return {
            "A/A: the interval of orders covers 0": control is not None and control.covers(0.0),
            "the interval of visits covers the known effect": effect is not None and effect.covers(self.effect_known),
        }

    @property
    def checks(self) -> dict[str, bool]:
        """Return every check the exit status depends on."""
        return {
            **self.reconciliation.checks,
            "mails handed over = mails in the sink": self.mails_sent == self.sink_messages,
            "no mail came twice": self.sink_doubled == 0,
        }

    @property
    def reconciled(self) -> bool:
        """Return whether every count agrees."""
        return all(self.checks.values())

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a file."""
        return {**asdict(self), "checks": self.checks, "findings": self.findings, "reconciled": self.reconciled}
