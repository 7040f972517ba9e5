"""The oracle's part about who persons are: drawn, known since, living where."""

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

if TYPE_CHECKING:
    from tests.segment.oracle_of_persons import Person, When

MASK = 2**64 - 1
ALL_ZONES = available_timezones()  # reads the disk each time


def bucket(condition: Mapping[str, Any], person: "Person", _when: "When") -> bool:
    """Return whether a person's draw, a percentage, lies in the bucket."""
    seed = int.from_bytes(hashlib.sha256(condition["bucket"].encode()).digest()[:8], "big")
    mixed = ((person.number ^ seed) + 0x9E3779B97F4A7C15) & MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
    mixed ^= mixed >> 31
    draw = (mixed >> 32) * 1_000_000 >> 32
    return round(condition["from"] * 10_000) <= draw < round(condition["to"] * 10_000)


def known_for(condition: Mapping[str, Any], person: "Person", when: "When") -> bool:
    """Return whether a person is known for less than a time, or for at least it; whether he is named, or anonymous."""
    if condition["person"] in ("named", "anonymous"):
        return person.named == (condition["person"] == "named")
    from tests.segment.oracle_of_times import back

    younger = person.known is not None and person.known > back(when, condition["span"])
    return younger if condition["person"] == "younger_than" else not younger


def place(value: Any) -> tuple[float, float] | None:
    """Return (latitude, longitude) of a value that says a place."""
    from tests.segment.oracle import number

    if not isinstance(value, dict):
        return None
    said = number(value.get("lat")), number(value.get("lon"))
    if said[0] is None or said[1] is None or abs(said[0]) > 90 or abs(said[1]) > 180:
        return None
    return float(said[0]), float(said[1])


def in_circle(value: Any, test: Mapping[str, Any]) -> bool:
    """Return whether a place lies within a distance of the centre, on a sphere."""
    here, centre = place(value), place(test["center"])
    if here is None or centre is None:
        return False
    (lat, lon), (lat_0, lon_0) = (tuple(map(math.radians, each)) for each in (here, centre))
    half = math.sin((lat - lat_0) / 2) ** 2 + math.cos(lat) * math.cos(lat_0) * math.sin((lon - lon_0) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(half))) <= test["radius_m"]


def in_polygon(value: Any, test: Mapping[str, Any]) -> bool:
    """Return whether a ray from the place to the east crosses the sides an odd number of times."""
    here = place(value)
    if here is None:
        return False
    corners = [(float(corner["lat"]), float(corner["lon"])) for corner in test["corners"]]
    inside = False
    for (a, b), (c, d) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (a > here[0]) != (c > here[0]) and here[1] < (d - b) * (here[0] - a) / (c - a) + b:
            inside = not inside
    return inside


def account(condition: Mapping[str, Any], person: "Person", when: "When") -> bool:
    """Return whether any, all (of at least one) or none of a person's accounts pass every filter."""
    from tests.segment.oracle import look_up, passes

    def fits(traits: dict[str, Any]) -> bool:
        for each in condition["where"]:
            path = each["trait"] if isinstance(each["trait"], list) else [each["trait"]]
            if not passes(look_up(traits, path), each, when, None):
                return False
        return True

    found = [fits(traits) for traits in person.accounts]
    if condition["account"] == "all":
        return bool(found) and all(found)
    return any(found) == (condition["account"] == "any")


def own_zone(condition: Mapping[str, Any], person: "Person", when: "When") -> str:
    """Return the person's own zone if it is asked for and there is one, else the workspace's."""
    zone = person.traits.get("timezone")
    own = condition.get("zone") == "person" and isinstance(zone, str) and zone in ALL_ZONES
    return str(zone) if own else when.zone


def reachable(condition: Mapping[str, Any], person: "Person", _when: "When") -> bool:
    """Return whether a person has a usable address on a channel; the inbox needs none."""
    return condition["reachable"] == "inbox" or condition["reachable"] in person.channels


def tagged(condition: Mapping[str, Any], person: "Person", when: "When") -> bool:
    """Return whether he has the tag and its time is not over, or (asked so) has it not."""
    until = person.tags.get(condition["tag"], when.now)
    return (until is None or when.now < until) is (condition.get("op", "has") == "has")


def consented(condition: Mapping[str, Any], person: "Person", when: "When") -> bool:
    """Return whether a person allows contact."""
    from tests.segment.oracle_of_consent import allows

    return allows(condition["consented"], person, when)


PLACES = {"within_circle": in_circle, "within_polygon": in_polygon}
OTHERS = {
    "bucket": bucket,
    "person": known_for,
    "account": account,
    "reachable": reachable,
    "tag": tagged,
    "consented": consented,
}
