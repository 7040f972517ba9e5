"""Run the tests; words are passed on to pytest: test [--long] [-k name] [tests/identity ...]."""

import os
import subprocess
import sys

from launcher.home import PROJECT

EXAMPLES = "200"
"""Histories for each law in the long forms, unless RAPPORT_EXAMPLES says how many."""
LONG = ["-m", "slow or not slow", "-o", "timeout=7200"]


def run(words: list[str]) -> int:
    """Run pytest and repeat its closing line as the last word; `--long` adds what is slow, and many more examples."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if "--long" in words:
        words = [*LONG, *(word for word in words if word != "--long")]
        environment.setdefault("RAPPORT_EXAMPLES", EXAMPLES)
        environment.setdefault("RAPPORT_EVERY", "1")
    command = [sys.executable, "-P", "-m", "pytest", *workers(words), *words]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as runner:
        closing = ""
        for line in runner.stdout or ():
            print(line, end="", flush=True)
            closing = line.strip() or closing
    print(closing.strip("= "))
    return runner.returncode


def workers(words: list[str]) -> list[str]:
    """Spread over the processors, unless the words say how or name single tests.

    One more than there are processors: a test waits a fifth of its time, for a broker, a pause or a process.
    """
    spread_already = any(word.startswith(("-n", "--numprocesses", "--dist", "-p", "--pdb")) for word in words)
    single = any("::" in word for word in words)
    return [] if spread_already or single else ["-n", str(processors() + 1), "--dist", "loadscope"]


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
