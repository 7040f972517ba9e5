"""Small programs for the supervisor to look after."""

import os
import signal
import sys
from pathlib import Path

from launcher import process
from launcher.program import Program

SERVES = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1]).unlink(missing_ok=True), sys.exit(0)))
pathlib.Path(sys.argv[1]).write_text(str(__import__("os").getpid()))
while True: time.sleep(0.05)
"""


def a_program(name: str, folder: Path, *, body: str = SERVES, **changes) -> Program:
    """A Python program that serves when it has written its pid into a file."""
    sign = folder / f"{name}.sign"

    async def is_ready(pid: int) -> bool:
        return sign.exists() and sign.read_text() == str(pid)

    given = {
        "command": lambda: process.dying_with_us([sys.executable, "-c", body, str(sign)], signal.SIGTERM),
        "is_ready": is_ready,
        "environment": dict(os.environ),
        "folder": folder,
        "stop_seconds": 5.0,
        **changes,
    }
    return Program(name=name, **given)
