"""Show what runs, where, and whether it is ready: status. Exit status 0 only when all is ready."""

import asyncio
import json

from launcher.home import Home, default_home
from launcher.nats_permissions import SERVICES
from launcher.probe import why_not_ready
from launcher.supervisor import running_supervisor


def run(_words: list[str]) -> int:
    """Print a line for each program."""
    home = default_home()
    supervisor = running_supervisor(home)
    if supervisor is None:
        print(f"Rapport is not up (data in {home.root}); `./rapport up` starts it.")
        return 1
    print(f"Rapport runs (supervisor {supervisor}, data in {home.root}).")
    return 0 if asyncio.run(show(home)) else 1


async def show(home: Home) -> bool:
    """Print the programs and say whether all are ready."""
    try:
        programs = json.loads(home.state.read_text())["programs"]
    except (OSError, ValueError, KeyError):
        print("It is starting or stopping.")
        return False
    words = await asyncio.gather(*(condition(name, programs[name]) for name in programs))
    for name, word in zip(programs, words, strict=True):
        program = programs[name]
        again = f", started again {program['restarts']} times" if program["restarts"] else ""
        print(f"  {name:<10} {program['pid'] or '-':>8}  {program['address']:<28} {word}{again}")
    return all(word == "ready" for word in words)


async def condition(name: str, program: dict[str, object]) -> str:
    """Give the state of a program; a service is asked now."""
    state = str(program["state"])
    if name not in SERVICES or state != "ready":
        return state
    return await why_not_ready(int(str(program["address"]).rpartition(":")[2]))
