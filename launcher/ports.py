"""TCP ports on the loopback interface: free ones, and whether one is still free."""

import random
import socket
from collections.abc import Collection
from pathlib import Path

LOOPBACK = "127.0.0.1"

_LOWEST = 15_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, spared: Collection[int] = ()) -> list[int]:
    """Choose several different free loopback ports, none of them a spared one.

    Below the range from which the system gives outgoing connections their ports: a port of that range may be taken by
    any connection between the choice and the start of the server, or while the server is down.
    """
    chosen: list[int] = []
    end = _first_of_connections()
    while len(chosen) < count:
        port = _chance.randrange(_LOWEST, end)
        if port not in chosen and port not in spared and is_free(port):
            chosen.append(port)
    return chosen


def _first_of_connections() -> int:
    try:
        first = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > _LOWEST + 1_000 else 65_536


def free_port(*, spared: Collection[int] = ()) -> int:
    """Choose one free loopback port, none of the spared ones."""
    return free_ports(1, spared=spared)[0]


def accepts(port: int) -> bool:
    """Say whether something listens on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5):
            return True
    except OSError:
        return False
