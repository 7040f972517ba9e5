"""What the supervisor runs: programs that stay, and steps that end."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Program:
    """A process that is kept running: how to start it, to know that it serves, and to end it."""

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[int], Awaitable[bool]]
    environment: Mapping[str, str]
    folder: Path
    address: str = ""
    prepare: Callable[[], None] = nothing
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 30
    last_signal: signal.Signals = signal.SIGKILL
    ready_seconds: float | None = 300
    """How long a start may take while the process lives; None: as long as it takes (crash recovery)."""


@dataclass(frozen=True)
class Step:
    """Something to be done between the starts of programs."""

    name: str
    run: Callable[[], Awaitable[None]] = field(repr=False)
