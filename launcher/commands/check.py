"""Check format, rules, types, import law and contracts: check [--fix]."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from launcher.home import PROJECT

TOOLS = Path(sys.executable).parent
CHECKS: dict[str, list[str]] = {
    "format": [str(TOOLS / "ruff"), "format", "--check", "."],
    "rules": [str(TOOLS / "ruff"), "check", "."],
    "types": [str(TOOLS / "mypy")],
    "import law": [str(TOOLS / "lint-imports")],
    "contracts": [sys.executable, "-m", "pytest", "-q", "tests/contracts", "-p", "no:cacheprovider"],
}
AT_ONCE = 2
"""A check waits a good part of its time, and the types take as long as all others."""
REPAIRS = ([str(TOOLS / "ruff"), "check", "--fix", "--quiet", "."], [str(TOOLS / "ruff"), "format", "--quiet", "."])


def run(words: list[str]) -> int:
    """Run every check, also after one failed; print what the failing ones say and a line for each."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if "--fix" in words:
        for command in REPAIRS:
            subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = pool.map(partial(look, environment=environment), CHECKS.values())
        failed = [name for name, answer in zip(CHECKS, done, strict=True) if not passes(name, answer)]
    print(f"check: {len(CHECKS) - len(failed)} passed" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def look(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one check and keep what it says."""
    return subprocess.run(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def passes(name: str, done: subprocess.CompletedProcess[str]) -> bool:
    """Say how one check ended; its output is shown only when it failed."""
    good = done.returncode == 0
    print(f"{name:<11} {'ok' if good else 'FAILED'}", flush=True)
    if not good:
        print(done.stdout + done.stderr)
    return good
