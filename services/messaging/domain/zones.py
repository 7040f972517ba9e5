"""Time zones from the pinned tzdata package, never from the machine."""

import importlib.resources
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return a zone by its IANA name; raises ZoneInfoNotFoundError."""
    parts = name.split("/")
    if not name or any(not part or part.startswith(".") or "\\" in part for part in parts):
        raise ZoneInfoNotFoundError(f"{name!r} is not a time zone")
    try:
        with importlib.resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError) as error:
        raise ZoneInfoNotFoundError(f"{name!r} is not a time zone") from error


def is_zone(name: str) -> bool:
    """Return whether the pinned time-zone database knows the name."""
    try:
        zone(name)
    except ZoneInfoNotFoundError:
        return False
    return True


def zone_or(name: str | None, otherwise: str) -> ZoneInfo:
    """Return the person's zone, or the workspace's where he has none or an unknown one, or UTC."""
    for candidate in (name, otherwise):
        if candidate and is_zone(candidate):
            return zone(candidate)
    return zone("UTC")
