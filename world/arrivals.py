"""How happenings reach the collector: with wrong clocks, late, twice, and as Segment calls."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from world.happenings import Happening, Life, Name
from world.shape import END, LATEST, Shape


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request's content as it arrives: a Segment call of a source, or a fact for the evidence route."""

    received_at: datetime
    source: str
    number: int
    """The same for the copies of one event, and for nothing else."""
    body: dict[str, Any]
    is_fact: bool = False


def arrivals(seed: int, life: Life, shape: Shape) -> Iterator[Arrival]:
    """Yield what a human's happenings arrive as, in no particular order."""
    rng = random.Random(f"{seed}/arrivals/{life.number}")
    for index, happening in enumerate(life.happenings):
        number = life.number << 8 | index
        if happening.replaces is not None:
            yield Arrival(happening.at, happening.source, number, _fact(number, happening), is_fact=True)
            continue
        said_at, received_at = _times(rng, happening, shape)
        body = _call(number, happening, said_at)
        yield Arrival(received_at, happening.source, number, body)
        if rng.random() < shape.twice:
            again = min(received_at + timedelta(seconds=rng.expovariate(1 / 600)), END)
            yield Arrival(again, happening.source, number, body)


def _times(rng: random.Random, happening: Happening, shape: Shape) -> tuple[datetime, datetime]:
    """Return what the sender's clock said and when the event arrived."""
    at, said_at = happening.at, happening.at
    if happening.source in {"web", "app"} and rng.random() < shape.skewed_clock:
        said_at = at + timedelta(seconds=round(rng.choice((rng.gauss(0, 86_400), rng.uniform(0, 365 * 86_400)))))
    delay = timedelta(seconds=rng.expovariate(1 / 2))
    if rng.random() < shape.late:
        delay = min(timedelta(days=rng.expovariate(1 / 6)), LATEST)
    return said_at, min(at + delay, END)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _call(number: int, happening: Happening, at: datetime) -> dict[str, Any]:
    kind = "identify" if not happening.event else "page" if happening.event == "page" else "track"
    body: dict[str, Any] = {"type": kind, "messageId": f"w{number}", "timestamp": _iso(at)}
    if kind == "track":
        body["event"] = happening.event
    said: dict[str, Any] = {"userId": happening.user, "anonymousId": happening.cookie, "context": _context(happening)}
    said["traits"] = _traits(happening)
    return {**body, **{name: value for name, value in said.items() if value}}


def _context(happening: Happening) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if happening.device:
        context["device"] = {"id": happening.device}
    if happening.external:
        context["externalIds"] = [_external(name, proven=happening.proven) for name in happening.external]
    return context


def _traits(happening: Happening) -> dict[str, Any]:
    said = {"phone": happening.phone, "phone_verified": happening.phone_proven, "email": happening.email}
    return {name: value for name, value in said.items() if value}


def _external(name: Name, *, proven: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"type": name[0], "collection": name[1] or "users", "id": name[2], "encoding": "none"}
    return {**said, "verified": True} if proven else said


def _fact(number: int, happening: Happening) -> dict[str, Any]:
    named = [{"namespace": n, "scope": s, "value": v} for n, s, v in happening.replaces or ()]
    return {"id": f"w{number}", "kind": "supersede", "tier": 0, "time": _iso(happening.at), "identifiers": named}
