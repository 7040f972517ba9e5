"""Show the logs: logs [program ...] [-n LINES] [-f]."""

import argparse
import sys
import time
from pathlib import Path

from launcher.files import tail
from launcher.home import default_home
from launcher.trouble import Trouble

LOOK_AGAIN_SECONDS = 0.3


def run(words: list[str]) -> int:
    """Print the last lines of each log, and follow them if asked."""
    parser = argparse.ArgumentParser(prog="./rapport logs", description=__doc__)
    parser.add_argument("programs", nargs="*", help="postgres, nats, supervisor, or a service; none: all")
    parser.add_argument("-n", "--lines", type=int, default=20)
    parser.add_argument("-f", "--follow", action="store_true")
    chosen = parser.parse_args(words)
    logs = choose(chosen.programs)
    for log in logs:
        for line in tail(log, chosen.lines):
            show(log, line, alone=len(logs) == 1)
    if chosen.follow:
        follow(logs)
    return 0


def choose(names: list[str]) -> list[Path]:
    """Find the log files; raises Trouble for a name that has none."""
    home = default_home()
    known = {log.stem: log for log in sorted(home.logs.glob("*.log"))}
    if not known:
        raise Trouble(f"There are no logs in {home.logs}.", "`./rapport up` starts the system.")
    for name in names:
        if name not in known:
            raise Trouble(f"There is no log of `{name}`.", f"There are: {', '.join(known)}.")
    return [known[name] for name in names] or list(known.values())


def follow(logs: list[Path]) -> None:
    """Print what is added, until Ctrl-C."""
    places = {log: log.stat().st_size for log in logs}
    while True:
        for log, place in places.items():
            # A file that shrank was rotated: begin anew.
            begin = min(place, log.stat().st_size)
            with log.open("rb") as file:
                file.seek(begin)
                added = file.read()
            whole = added[: added.rfind(b"\n") + 1]
            places[log] = begin + len(whole)
            for line in whole.decode(errors="replace").splitlines():
                show(log, line, alone=len(logs) == 1)
        sys.stdout.flush()
        time.sleep(LOOK_AGAIN_SECONDS)


def show(log: Path, line: str, *, alone: bool) -> None:
    """Print a line, with its program's name when there are several."""
    print(line if alone else f"{log.stem:<10} {line}")
