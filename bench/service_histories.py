"""Random histories over the identity service's HTTP API, with several requests and four resolvers at once.

    python -m bench.service_histories [--histories 200] [--seed 0] [--rounds 6] [--together 3]

Each history has a workspace of its own, under a driven clock, on the real service (two processes' worth of it, on one
PostgreSQL and one bus, in this process). A round is up to nine steps at once: batches of Segment calls that collide and
repeat, facts of every kind, merges and their undoing, erasures, policies back and forth and in the shadow, permissions,
moved WeChat accounts, decisions about quarantined links, suggestions and joins at risk, days that pass, and questions
(bench/service_steps.py). Every other round everything is drained and judged (bench/service_judging.py): against the
pure rule over all stored evidence and the rebuild in arrays, over HTTP, and against what the service told others. Then
something is foretold (a dry run, a preview, a shadow run) and done, and both compared (bench/service_rehearsing.py).

What is drawn is a function of the seed, what happens also of how requests and resolvers meet. A history that differs is
tried again with fewer steps, and the shortest that still differs is printed.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.service_judging import judge
from bench.service_playing import play
from bench.service_rehearsing import rehearse
from bench.service_steps import Drawing, Step
from bench.service_world import SHOWN, Service, Workspace, a_service
from tests.fixtures.postgres import Templates, running_cluster
from world.progress import progress

A_SERVICE = 24
"""A service is thrown away after so many histories: everything it told stays in memory."""
RERUNS = 40
"""How often a history that differs is tried again with fewer steps."""
SHORTENED = 2
"""How many histories of a run are made shorter: where many differ they do so for one reason."""

Rounds = list[list[Step]]


async def tried(service: Service, rounds: Rounds, seed: int, tally: Counter[str]) -> list[str]:
    """Play a history in a workspace of its own; return what differs, empty when nothing does."""
    home, chance = await service.open_workspace(), random.Random(seed)
    for number, steps in enumerate(rounds):
        await play(home, steps)
        tally.update(["rounds"], steps=len(steps))
        if not (number % 2 or number == len(rounds) - 1):
            continue
        if await judge(home, chance) or await rehearse(home, chance):
            break
    _count(home, tally)
    return home.wrong


def _count(home: Workspace, tally: Counter[str]) -> None:
    tally.update(requests=sum(home.answers.values()), events=len(home.posted))
    tally.update(persons=len(home.ids), waits=home.waits)


async def shortest(service: Service, rounds: Rounds, seed: int) -> tuple[Rounds, list[str]]:
    """Return the shortest history found that still differs, and how: rounds are left out first, then steps."""
    left, wrong, tries = rounds, [""], 0
    for whole in (True, False):
        places = [
            (one, None if whole else two) for one, steps in enumerate(left) for two in range(1 if whole else len(steps))
        ]
        for one, two in reversed(places):
            fewer = [
                [step for at, step in enumerate(steps) if (place, at) != (one, two)]
                for place, steps in enumerate(left)
                if two is not None or place != one
            ]
            if tries == RERUNS or not any(fewer):
                break
            tries += 1
            found = await tried(service, fewer, seed, Counter())
            if found:
                left, wrong = fewer, found
    return [steps for steps in left if steps], wrong


class Runs:
    """Histories one after the other, some at once, on services that are renewed."""

    def __init__(self, options: argparse.Namespace, templates: Templates, home: Path) -> None:
        self.options, self.templates, self.home = options, templates, home
        self.tally: Counter[str] = Counter()
        self.different: list[int] = []
        """The numbers of histories that differ."""

    async def all(self) -> None:
        """Go through all histories, whatever becomes of one."""
        first, last = self.options.seed, self.options.seed + self.options.histories
        with progress("histories", self.options.histories) as done:
            for start in range(first, last, A_SERVICE):
                async with AsyncExitStack() as stack:
                    service = await stack.enter_async_context(a_service(self.templates, self.home))
                    waiting = iter(range(start, min(start + A_SERVICE, last)))
                    await asyncio.gather(*(self._some(service, waiting, done) for _ in range(self.options.together)))

    async def _some(self, service: Service, waiting: Iterator[int], done: Callable[[int], None]) -> None:
        for seed in waiting:
            rounds = Drawing(random.Random(seed)).rounds(self.options.rounds)
            wrong = await tried(service, rounds, seed, self.tally)
            self.tally["histories"] += 1
            done(1)
            if wrong:
                await self._report(rounds, seed, wrong)

    async def _report(self, rounds: Rounds, seed: int, wrong: list[str]) -> None:
        """Print a history that differs, the first ones as short as they could be made on a service of their own."""
        self.different.append(seed)
        print(f"history {seed} differs:", *(one[:SHOWN] for one in wrong[:10]), sep="\n  ", flush=True)
        if len(self.different) > SHORTENED:
            return
        async with a_service(self.templates, self.home) as alone:
            left, again = await shortest(alone, rounds, seed)
        shown = [json.dumps(steps) for steps in left]
        print(f"shortest of {seed}:", *shown, "differs:", *(one[:SHOWN] for one in again[:10]), sep="\n  ", flush=True)


async def main() -> None:
    """Run on a fresh cluster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=200, help="how many, one for each number (200)")
    parser.add_argument("--seed", type=int, default=0, help="the first number (0)")
    parser.add_argument("--rounds", type=int, default=6, help="of each history (6)")
    parser.add_argument("--together", type=int, default=3, help="histories at once (3)")
    options = parser.parse_args()
    begun, used = time.perf_counter(), time.process_time()
    with running_cluster() as cluster, tempfile.TemporaryDirectory(prefix="rapport-bench-") as home:
        runs = Runs(options, Templates(cluster), Path(home))
        await runs.all()
    said = ", ".join(f"{count:,} {what}" for what, count in runs.tally.items())
    print(
        f"seeds {options.seed} to {options.seed + options.histories - 1}: {said}: {len(runs.different)} differences;"
        f" {time.perf_counter() - begun:.0f} s, {time.process_time() - used:.0f} s of processor"
    )
    if runs.different:
        raise SystemExit(f"these histories differ: {sorted(runs.different)}")


if __name__ == "__main__":
    uvloop.run(main())
