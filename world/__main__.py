"""`./rapport world`: a generated WeChat world with known truth, to files or into a running system, and its scores."""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from services.identity.domain.evidence import Identifier
from world.files import write_world
from world.judge import Judge, score, tellable
from world.neighbourhoods import Neighbourhood, neighbourhoods
from world.progress import progress
from world.report import as_json, print_scores
from world.scores import Tally
from world.service import Refused, Service
from world.shape import NEIGHBOURHOOD

COLLECT_AFTER = 100_000
"""New objects before the garbage collector looks: about what a neighbourhood makes. At Python's 700 a fifth of the time
went into looking at what is in use."""


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./rapport world", description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000, help="how many humans (1000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same world (1)")
    parser.add_argument("--out", type=Path, help="write events.ndjson and truth.ndjson into this directory")
    parser.add_argument("--post", metavar="URL", help="post to the identity service at this address and score it")
    parser.add_argument("--key", default="", help="the installation's administrator key, for --post")
    parser.add_argument("--workspace", help="key of the workspace made for --post (default world-SEED-PERSONS)")
    parser.add_argument("--judge", action="store_true", help="apply the rule in this process and score it")
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    chosen = parser.parse_args(words)
    if chosen.persons < 1:
        parser.error("--persons is at least 1")
    if not (chosen.out or chosen.post or chosen.judge):
        parser.error("say what to do with the world: --out DIR, --post URL --key KEY, or --judge")
    return chosen


def lived(chosen: argparse.Namespace, doing: str) -> Iterator[Neighbourhood]:
    """Yield the world that was asked for, with a bar of how many of its humans were dealt with."""
    with progress(doing, chosen.persons) as done:
        for number, one in enumerate(neighbourhoods(chosen.persons, chosen.seed)):
            yield one
            done(min(NEIGHBOURHOOD, chosen.persons - number * NEIGHBOURHOOD))


def judged(chosen: argparse.Namespace) -> tuple[Tally, Tally]:
    """Score the rule in this process."""
    judge, whole, told = Judge(), Tally(), Tally()
    for one in lived(chosen, "judging"):
        found = judge.persons(one)
        whole.add(score(one, found))
        told.add(tellable(one, found))
    return whole, told


async def posted(chosen: argparse.Namespace, console: Console) -> tuple[Tally, Tally]:
    """Post the world and score what the service makes of it."""
    service = Service(chosen.post, chosen.key)
    try:
        await service.open(chosen.workspace or f"world-{chosen.seed}-{chosen.persons}")
        begun, events = time.perf_counter(), 0
        for one in lived(chosen, "posting"):
            await service.post(one.arrivals)
            events += len(one.arrivals)
        accepted = time.perf_counter() - begun
        with Console(stderr=True).status("waiting until all is somebody's"):
            await service.drain()
        took = time.perf_counter() - begun
        console.print(f"{events:,} events accepted in {accepted:,.1f} s, resolved and told in {took:,.1f} s")
        whole, told = Tally(), Tally()
        for one in lived(chosen, "asking"):
            found = await service.persons([Identifier(*truth.name) for truth in one.truth])
            whole.add(score(one, found))
            told.add(tellable(one, found))
        return whole, told
    finally:
        await service.close()


def main(words: list[str]) -> int:
    """Generate; write, post or judge as asked."""
    chosen, console = arguments(words), Console()
    if chosen.out:
        events, identifiers = write_world(lived(chosen, "writing"), chosen.out)
        console.print(f"{chosen.persons:,} humans, {events:,} arrivals, {identifiers:,} identifiers in {chosen.out}")
    if not (chosen.post or chosen.judge):
        return 0
    try:
        scores = asyncio.run(posted(chosen, console)) if chosen.post else judged(chosen)
    except Refused as refused:
        console.print(f"[bold red]{refused}[/]", soft_wrap=True, highlight=False)
        return 1
    print_scores(console, *scores)
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(*scores), indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    gc.set_threshold(COLLECT_AFTER)
    sys.exit(main(sys.argv[1:]))
