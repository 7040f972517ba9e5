"""`./rapport demo`: a year of real shopping through the whole system, then a report."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from demo.api import ApiError
from demo.figures import Figures
from demo.page import page
from demo.report import print_report
from demo.shopping import HOUSEHOLDS_PUBLISHED, DataMissing, read_shopping
from demo.sink import MailSink
from demo.story import Story
from demo.stream import encode_year
from demo.touchpoints import generate_world
from launcher.home import PROJECT
from launcher.stack import Stack
from launcher.trouble import Trouble

SHORT_HOUSEHOLDS = 250
SERVICES = ("identity", "profile", "segment", "journey", "messaging")


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./rapport demo", description=__doc__)
    parser.add_argument("--households", type=int, default=HOUSEHOLDS_PUBLISHED, help="how many (all: 2469)")
    parser.add_argument("--once", action="store_true", help="end after the report; exit 0 only if every count agrees")
    parser.add_argument("--json", type=Path, help="write the report's figures to this file")
    parser.add_argument("--html", type=Path, help="write the page here (default: in the data directory)")
    parser.add_argument("--step", type=float, help="hours the clock is driven at a time (24; a short demo: 336)")
    parser.add_argument("--home", type=Path, default=None, help="data directory (default .rapport/demo)")
    chosen = parser.parse_args(words)
    (chosen.home or PROJECT / ".rapport" / "demo").mkdir(parents=True, exist_ok=True)
    if not 1 <= chosen.households <= HOUSEHOLDS_PUBLISHED:
        parser.error(f"--households is 1 to {HOUSEHOLDS_PUBLISHED}")
    if chosen.step is None:
        chosen.step = 24.0 if chosen.households > SHORT_HOUSEHOLDS else 336.0
    return chosen


async def run(chosen: argparse.Namespace, console: Console) -> int:
    """Start everything, replay, report; return the exit status."""
    home: Path = chosen.home or PROJECT / ".rapport" / "demo"
    began = time.perf_counter()
    with console.status("reading the shopping data"):
        shopping = read_shopping(chosen.households if chosen.households < HOUSEHOLDS_PUBLISHED else None)
        world = generate_world([household.household_id for household in shopping.households])
        calls = encode_year(shopping, world)
    read = time.perf_counter()
    async with MailSink(home / "sink.ndjson") as sink:
        _point_mail_at(sink)
        with console.status("starting PostgreSQL, NATS and five services"):
            stack = Stack(home=home, mode="demo", tell=lambda line: console.print(f"[yellow]{line}[/]"))
            await stack.start()
        try:
            seconds = {"reading": read - began, "starting": time.perf_counter() - read}
            story = Story(console, stack, sink, shopping, world, calls, timedelta(hours=chosen.step), seconds)
            figures = await story.tell()
            _write(chosen, console, figures, home)
            if not chosen.once:
                await _stay(console, stack, story)
        finally:
            with console.status("stopping"):
                await stack.stop()
    return 0 if figures.reconciled else 1


def _point_mail_at(sink: MailSink) -> None:
    os.environ["MESSAGING_SMTP_HOST"] = "127.0.0.1"
    os.environ["MESSAGING_SMTP_PORT"] = str(sink.smtp_port)
    os.environ["MESSAGING_SMTP_LOOKUP_URL"] = f"http://127.0.0.1:{sink.http_port}/messages"


def _write(chosen: argparse.Namespace, console: Console, figures: Figures, home: Path) -> None:
    print_report(console, figures)
    html: Path = chosen.html or home / "report.html"
    html.write_text(page(figures), encoding="utf-8")
    console.print(f"The page: {html}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(figures.as_json(), indent=2, default=str), encoding="utf-8")


async def _stay(console: Console, stack: Stack, story: Story) -> None:
    """Leave the system up until Ctrl-C, with something to try."""
    console.print("\nThe system is up. OpenAPI:")
    for service in SERVICES:
        console.print(f"  {service:<10} {stack.url(service)}/docs")
    console.print("\nWorth trying (the key is this demo's own):")
    for line in story.worth_trying():
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.print("\nCtrl-C stops it.")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for word in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(word, stopped.set)
    await stopped.wait()


def main(words: list[str]) -> int:
    """Run the demo; what goes wrong is one clear line."""
    console = Console()
    try:
        return asyncio.run(run(arguments(words), console))
    except (ApiError, DataMissing, Trouble) as trouble:
        console.print(f"[bold red]{trouble}[/]")
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
