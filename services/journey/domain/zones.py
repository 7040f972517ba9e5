"""Time zones from the pinned tzdata package, never from the machine."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


class UnknownZone(ValueError):
    """There is no time zone of this name."""


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name; raises UnknownZone."""
    parts = name.split("/")
    if not all(part and part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        raise UnknownZone(name)
    file = resources.files("tzdata") / "zoneinfo"
    for part in parts:
        file = file / part
    try:
        with file.open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (OSError, ValueError) as error:
        raise UnknownZone(name) from error


def zone_or(name: str | None, fallback: str) -> ZoneInfo:
    """Return the person's zone, or the workspace's when his is missing or unknown; UTC when neither is known."""
    for candidate in (name, fallback):
        if candidate:
            try:
                return zone(candidate)
            except UnknownZone:
                continue
    return zone("UTC")
