"""Processes of the operating system: started to die with us, recognised again by pid and start time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TRAMPOLINE = Path(__file__).with_name("trampoline.py")


def dying_with_us(program: list[str], death_signal: signal.Signals, user: int = -1) -> list[str]:
    """Wrap a command so that it gets the signal when this process dies, and runs as the user if that is not -1."""
    parent = str(os.getpid())
    return [sys.executable, "-I", "-S", str(TRAMPOLINE), parent, str(int(death_signal)), str(user), *program]


def is_alive(pid: int) -> bool:
    """Say whether the process runs; one that ended but was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def started_at(pid: int) -> str | None:
    """Give a mark that tells this process from a later one with the same pid."""
    stat = _stat_fields(pid)
    if stat is not None:
        return stat[19]
    return _ps(pid, "lstart")


def command_line(pid: int) -> str:
    """Give the command line of a process, empty when there is none."""
    path = Path(f"/proc/{pid}/cmdline")
    if path.parent.parent.joinpath("self").exists():
        try:
            return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return _ps(pid, "command") or ""


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Wait for a process that is not our child; say whether it has gone."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pid: int, first: signal.Signals, seconds: float) -> None:
    """Ask a process to end, and kill it when it does not within the time."""
    for word in (first, signal.SIGKILL):
        try:
            os.kill(pid, word)
        except ProcessLookupError:
            return
        if wait_until_gone(pid, seconds):
            return


def _stat_fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The program's name stands in parentheses and may hold spaces: the fields begin after the last one.
    return text.rpartition(")")[2].split()


def _state(pid: int) -> str:
    stat = _stat_fields(pid)
    return stat[0] if stat is not None else (_ps(pid, "state") or "Z")[0]


def _ps(pid: int, field: str) -> str | None:
    answer = subprocess.run(["ps", "-o", f"{field}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
