"""A line of a benchmark: how many a second in each run, and what one costs."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.start_system import cpu_seconds, family


@dataclass
class Row:
    """The runs of one kind of event."""

    name: str
    rates: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @contextmanager
    def timed(self, events: int, postgres: int) -> Iterator[None]:
        """Add a run of so many events; `postgres` is the process of PostgreSQL whose time counts, with those below."""
        before = _used(postgres)
        wall, ours = time.perf_counter(), time.process_time()
        yield
        self.rates.append(events / (time.perf_counter() - wall))
        self.ours.append(1e6 * (time.process_time() - ours) / events)
        self.theirs.append(1e6 * (_used(postgres) - before) / events)

    def show(self) -> None:
        """Print the medians."""
        rate, ours, theirs = (statistics.median(one) for one in (self.rates, self.ours, self.theirs))
        print(
            f"{self.name:<38} {rate:8,.0f}/s ({min(self.rates):,.0f} to {max(self.rates):,.0f})"
            f"  processor an event: worker {ours:4.0f} us, PostgreSQL {theirs:4.0f} us"
        )


def _used(pid: int) -> float:
    return sum(map(cpu_seconds, family(pid)))
