"""Check format, rules, types, import law and contracts: check [--fix]."""

import os
import subprocess
import sys
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


REPAIRS = ([str(TOOLS / "ruff"), "check", "--fix", "--quiet", "."], [str(TOOLS / "ruff"), "format", "--quiet", "."])


def run(words: list[str]) -> int:
    """Run every check, also after one failed; print what the failing ones say and a line for each."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if "--fix" in words:
        for command in REPAIRS:
            subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False)
    failed = [name for name, command in CHECKS.items() if not passes(name, command, environment)]
    print(f"check: {len(CHECKS) - len(failed)} passed" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one check; its output is shown only when it fails."""
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    good = done.returncode == 0
    print(f"{name:<11} {'ok' if good else 'FAILED'}")
    if not good:
        print(done.stdout + done.stderr)
    return good
