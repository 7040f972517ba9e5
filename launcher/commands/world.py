"""Generate a WeChat world with known truth, to files or into a running system, and score OneID on it: world."""

import importlib.util
import os
import sys

from launcher.home import PROJECT
from launcher.trouble import Trouble


def run(words: list[str]) -> int:
    """Become the world's program."""
    if importlib.util.find_spec("world") is None:
        raise Trouble("The generated world is not part of this copy.", "Take a whole copy of the project.")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "world", *words], environment)
