"""Run a benchmark of bench/, or list them: bench [name ...]."""

import os
import sys

from launcher.home import PROJECT
from launcher.trouble import Trouble


def run(words: list[str]) -> int:  # noqa: RET503 - execve does not return
    """Become the benchmark's program."""
    programs = {path.stem: path for path in sorted((PROJECT / "bench").glob("*.py")) if path.stem != "__init__"}
    if not words:
        print("\n".join(programs) or "There are no benchmarks here.")
        return 0
    if words[0] not in programs:
        raise Trouble(f"There is no benchmark `{words[0]}`.", f"There are: {', '.join(programs) or 'none'}.")
    command = [sys.executable, "-P", str(programs[words[0]]), *words[1:]]
    os.chdir(PROJECT)
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": str(PROJECT)})
