"""Running `./rapport` as an operator does, on a data directory of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

from launcher.home import PROJECT


def rapport(*words: str, home: Path, seconds: float = 330, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command and give its status and words."""
    return subprocess.run(
        command(*words),
        cwd="/",
        env=surroundings(home, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def command(*words: str) -> list[str]:
    """Give what `./rapport` becomes once its environment is there."""
    return [sys.executable, "-P", "-m", "launcher", *words]


def surroundings(home: Path, **environment: str) -> dict[str, str]:
    """Give an environment without what the caller may have set for a system of his own."""
    mine = ("RAPPORT_", "IDENTITY_", "PROFILE_", "SEGMENT_", "JOURNEY_", "MESSAGING_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return {**kept, "PYTHONPATH": str(PROJECT), "RAPPORT_HOME": str(home), **environment}
