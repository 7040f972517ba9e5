"""Ten thousand generated histories against the real columnar store, under a driven clock, after every step.

    python -m bench.segment_histories [--histories 10000] [--seed 0] [--workers 2] [--batch 50] [--directory DIR]

Fifty histories at a time lie in one workspace, and each definition is asked about all their persons: in full, and
about those alone whom a step or the clock touched. Every answer is held against the plain evaluator
(tests/segment/oracle.py). A batch that is done leaves a file in the directory, so that a run which was broken off goes
on, and several may share one.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.segment.columnar import a_columnar_store
from tests.segment.histories import play
from tests.segment.outcome import Outcome

BATCHES_A_STORE = 20
"""A store is thrown away after so many workspaces: what lies in it slows the next ones down."""


def claim(directory: Path, start: int) -> bool:
    """Take a batch for this process; False when another living one has it."""
    path = directory / f"{start}.claim"
    try:
        with path.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        owner = path.read_text().strip()
        if owner and Path(f"/proc/{owner}").exists():
            return False
        path.write_text(str(os.getpid()))
    return True


async def _play_some(directory: Path, starts: list[int], number: int) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as place:
        async with a_columnar_store(Path(place)) as store:
            for workspace_id, start in enumerate(starts, start=1):
                done = directory / f"{start}.json"
                if done.exists() or not claim(directory, start):
                    continue
                begun = time.process_time()
                outcome = await play(store, workspace_id, start, number)
                told = {**asdict(outcome), "processor_seconds": time.process_time() - begun}
                part = done.with_suffix(".part")
                part.write_text(json.dumps(told))
                part.replace(done)
                (directory / f"{start}.claim").unlink(missing_ok=True)


def play_some(directory: Path, starts: list[int], number: int) -> None:
    """Play batches in a store of this process's own: an engine in a process cannot be opened twice."""
    asyncio.run(_play_some(directory, starts, number))


def results(directory: Path, starts: list[int]) -> Iterator[dict[str, Any]]:
    """Yield what the batches that are done left."""
    for start in starts:
        done = directory / f"{start}.json"
        if done.exists():
            yield json.loads(done.read_text())


def show(done: int, total: int, began: float) -> None:
    """Draw the progress bar."""
    filled = 40 * done // total
    used = time.monotonic() - began
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{total} batches, {used:.0f} s ")
    sys.stderr.flush()


def main() -> None:
    """Go through histories."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()) / "segment-histories")
    options = parser.parse_args()
    directory = options.directory / f"{options.seed}-{options.batch}"
    directory.mkdir(parents=True, exist_ok=True)
    starts = [options.seed + number for number in range(-(-options.histories // options.batch))]
    began = time.monotonic()
    open_ones = [start for start in starts if not (directory / f"{start}.json").exists()]
    groups = [open_ones[at : at + BATCHES_A_STORE] for at in range(0, len(open_ones), BATCHES_A_STORE)]
    context = multiprocessing.get_context("spawn")
    # a process has one engine in its life
    with ProcessPoolExecutor(options.workers, mp_context=context, max_tasks_per_child=1) as pool:
        tasks = [pool.submit(play_some, directory, group, options.batch) for group in groups]
        waiting = set(tasks)
        while waiting:
            show(len(list(results(directory, starts))), len(starts), began)
            waiting -= {task for task in waiting if task.done()}
            time.sleep(1)
        for task in as_completed(tasks):
            task.result()
    show(len(starts), len(starts), began)
    report(list(results(directory, starts)), time.monotonic() - began)


def report(found: list[dict[str, Any]], seconds: float) -> None:
    """Say what was compared; end with an error when anything differs."""
    names = [name for name in Outcome.__dataclass_fields__ if name != "differences"]
    told = {name: sum(one[name] for one in found) for name in names}
    differences = [line for one in found for line in one["differences"]]
    used = sum(one["processor_seconds"] for one in found)
    said = ", ".join(f"{number:,} {name}" for name, number in told.items())
    print(f"\n{said}: {len(differences)} differences; {seconds:.0f} s, {used:.0f} s of processor")
    if differences:
        raise SystemExit("\n".join(differences[:20]))


if __name__ == "__main__":
    main()
