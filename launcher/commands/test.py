"""Run the tests; words are passed on to pytest: test [-k name] [tests/identity ...]."""

import os
import subprocess
import sys

from launcher.home import PROJECT


def run(words: list[str]) -> int:
    """Run pytest and repeat its closing line as the last word."""
    command = [sys.executable, "-P", "-m", "pytest", *workers(words), *words]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
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
    """Spread over the processors, unless the words say how or name single tests."""
    spread_already = any(word.startswith(("-n", "--numprocesses", "--dist", "-p", "--pdb")) for word in words)
    single = any("::" in word for word in words)
    return [] if spread_already or single else ["-n", "auto", "--dist", "loadscope"]
