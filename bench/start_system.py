"""How long the whole embedded system takes to start and stop, and what it holds when idle.

    python -m bench.start_system [--runs 5] [--settle 10]

Cold = an empty data directory (initdb, migrations of five schemas); warm = the same directory again. Memory is the sum
of proportional set sizes (PSS) of all processes, `--settle` seconds after the start; CPU is measured over as many more.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from launcher.stack import Stack


def family(pid: int) -> list[int]:
    """Return a process and everything below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def pss_bytes(pid: int) -> int:
    """Return a process's proportional share of memory."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def once(home: Path, *, look: float = 0) -> tuple[float, float, int, float]:
    """Start and stop; return seconds up, seconds down, and, looked at for so long, bytes and processor share idle."""
    stack = Stack(home=home, mode="test")
    began = time.perf_counter()
    await stack.start()
    up = time.perf_counter() - began
    memory, share = 0, 0.0
    if look:
        await asyncio.sleep(look)
        pids = [p for name in stack.supervisor.children if (pid := stack.pid(name)) for p in family(pid)]
        memory = sum(map(pss_bytes, pids))
        before = sum(map(cpu_seconds, pids))
        await asyncio.sleep(look)
        share = (sum(map(cpu_seconds, pids)) - before) / look
    began = time.perf_counter()
    await stack.stop()
    return up, time.perf_counter() - began, memory, share


async def main(runs: int, settle: float) -> None:
    """Measure and print."""
    home = Path(tempfile.mkdtemp(prefix="rapport-start-"))
    try:
        cold, _, memory, share = await once(home, look=settle)
        warm = [await once(home) for _ in range(runs)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"cold start        {cold:6.2f} s")
    if warm:
        ups, downs = [w[0] for w in warm], [w[1] for w in warm]
        print(f"warm start        {statistics.median(ups):6.2f} s  ({min(ups):.2f} to {max(ups):.2f}, {runs} runs)")
        print(f"stop              {statistics.median(downs):6.2f} s  ({min(downs):.2f} to {max(downs):.2f})")
    print(f"idle memory (PSS) {memory / 2**20:6.0f} MiB")
    print(f"idle processor    {share:6.1%} of one core")
    print(f"load average      {os.getloadavg()[0]:6.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--settle", type=float, default=10)
    options = parser.parse_args()
    asyncio.run(main(options.runs, options.settle))
