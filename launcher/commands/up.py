"""Start everything and leave it running: up [--foreground] [--mode production|demo|test]."""

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path

from launcher.files import last_line
from launcher.home import PROJECT, Home, default_home
from launcher.nats_permissions import SERVICES
from launcher.plan import Plan, make_plan
from launcher.supervision import supervise
from launcher.supervisor import running_supervisor
from launcher.trouble import Trouble

MODES = ("production", "demo", "test")


def run(words: list[str]) -> int:
    """Start the supervisor, in the background unless asked otherwise."""
    parser = argparse.ArgumentParser(prog="./rapport up", description=__doc__)
    parser.add_argument("--foreground", action="store_true", help="stay on this terminal; Ctrl-C stops everything")
    parser.add_argument("--mode", choices=MODES, default="production", help="demo and test have a clock to drive")
    parser.add_argument("--report", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    home = default_home()
    running = running_supervisor(home)
    if running is not None:
        print(f"Rapport is already up (pid {running}, data in {home.root}).")
        show(home.known_ports(), home)
        return 0
    home.make()
    if not chosen.foreground:
        return in_background(home, chosen.mode)
    return in_foreground(home, chosen.mode, chosen.report)


def in_foreground(home: Home, mode: str, report: int | None) -> int:
    """Be the supervisor; `report` is a pipe that hears one line when all is up, or why not."""
    try:
        plan = make_plan(home, mode=mode)
        asyncio.run(supervise(home, plan.stages, lambda seconds: tell_started(home, plan, seconds, report)))
    except Trouble as trouble:
        if report is None:
            raise
        os.write(report, f"failed {trouble}\n".encode())
        return 1
    return 0


def tell_started(home: Home, plan: Plan, seconds: float, report: int | None) -> None:
    """Say that everything serves."""
    if report is not None:
        os.write(report, f"up {seconds:.1f}\n".encode())
        os.close(report)
        return
    print(f"Rapport is up after {seconds:.1f} s (data in {home.root}); Ctrl-C stops it.")
    show(plan.addresses.ports, home)


def in_background(home: Home, mode: str) -> int:
    """Start the supervisor as a process of its own and wait for its word."""
    hear, tell = os.pipe()
    command = [sys.executable, "-P", "-m", "launcher", "up", "--foreground", "--mode", mode, "--report", str(tell)]
    log = home.log("supervisor")
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "RAPPORT_HOME": str(home.root)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[tell],
            start_new_session=True,
        )
    os.close(tell)
    try:
        with os.fdopen(hear) as words:
            verdict = words.readline().strip()
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise
    return conclude(home, verdict, log)


def conclude(home: Home, verdict: str, log: Path) -> int:
    """Tell the operator what the supervisor said."""
    word, _, rest = verdict.partition(" ")
    if word == "up":
        print(f"Rapport is up after {rest} s (data in {home.root}); `./rapport down` stops it.")
        show(home.known_ports(), home)
        return 0
    raise Trouble(*((rest, "") if rest else (f"The supervisor ended: {last_line(log)}", f"See {log}.")))


def show(ports: dict[str, int], home: Home) -> None:
    """List the addresses and where the administrator's key is."""
    for service in SERVICES:
        if service in ports:
            print(f"  {service:<10} http://127.0.0.1:{ports[service]}")
    print(f"  admin key  {home.root / 'admin.key'}")
