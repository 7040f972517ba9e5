"""Show the whole system on real data, from nothing to results: demo."""

import importlib.util
import os
import sys

from launcher.home import PROJECT
from launcher.trouble import Trouble


def run(words: list[str]) -> int:
    """Become the demo's program."""
    if importlib.util.find_spec("demo") is None:
        raise Trouble("The demo is not part of this copy.", "Take a whole copy of the project.")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "demo", *words], environment)
