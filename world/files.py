"""The world as two files of lines: what arrives, and the truth."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from world.arrivals import Arrival
from world.neighbourhoods import Neighbourhood
from world.truth import Truth

EVENTS, TRUTH = "events.ndjson", "truth.ndjson"
_encode = msgspec.json.Encoder().encode


def event_line(arrival: Arrival) -> dict[str, Any]:
    """Return an arrival as its line: `call` is a source's Segment call, `evidence` an item for the evidence route."""
    kind = "evidence" if arrival.is_fact else "call"
    return {"received_at": arrival.received_at, "source": arrival.source, kind: arrival.body}


def truth_line(truth: Truth) -> dict[str, Any]:
    """Return the truth about an identifier as its line."""
    namespace, scope, value = truth.name
    named = {"namespace": namespace, "scope": scope, "value": value}
    return {"human": truth.human, **named, "group": truth.group, "cause": truth.cause}


def write_world(neighbourhoods: Iterable[Neighbourhood], directory: Path) -> tuple[int, int]:
    """Write a world below a directory; return how many arrivals and identifiers there are."""
    directory.mkdir(parents=True, exist_ok=True)
    events = identifiers = 0
    with (directory / EVENTS).open("wb") as come, (directory / TRUTH).open("wb") as true:
        for one in neighbourhoods:
            come.writelines(_encode(event_line(arrival)) + b"\n" for arrival in one.arrivals)
            true.writelines(_encode(truth_line(truth)) + b"\n" for truth in one.truth)
            events += len(one.arrivals)
            identifiers += len(one.truth)
    return events, identifiers


def read_truth(directory: Path) -> Iterator[Truth]:
    """Yield the truth of a written world."""
    with (directory / TRUTH).open("rb") as lines:
        for line in lines:
            said = msgspec.json.decode(line)
            name = (said["namespace"], said["scope"], said["value"])
            yield Truth(name, said["human"], said["group"], said["cause"])
