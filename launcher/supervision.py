"""Running a plan until a signal says stop, telling the operator what happens."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable

from launcher.home import Home
from launcher.supervisor import Stage, Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stamped(line: str) -> None:
    """Write a line of the supervisor's log."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}", file=sys.stderr, flush=True)


async def supervise(home: Home, stages: list[Stage], started: Callable[[float], None]) -> None:
    """Start the stages, call `started` with the seconds it took, run until told to stop, stop everything.

    Raises Trouble when something does not start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    supervisor = Supervisor(home, stages, stamped)
    begun = loop.time()
    starting = asyncio.create_task(supervisor.start())

    def told() -> None:
        stop.set()
        starting.cancel()

    for word in STOP_SIGNALS:
        loop.add_signal_handler(word, told)
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    if not stop.is_set():
        started(loop.time() - begun)
        await stop.wait()
        stamped("stopping")
        begun = loop.time()
        await supervisor.stop()
        stamped(f"stopped in {loop.time() - begun:.1f} s")
