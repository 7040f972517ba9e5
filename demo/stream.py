"""The year's calls in order of time, encoded once, cut into steps and batches."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from demo.calls import DemoCall, calls_of
from demo.shopping import Shopping
from demo.touchpoints import Touchpoints

BATCH_EVENTS = 100
BATCH_BYTES = 450_000


@dataclass(frozen=True)
class Encoded:
    """One call as it goes over the wire."""

    at: datetime
    source: str
    body: bytes


def encode_year(shopping: Shopping, world: dict[int, Touchpoints]) -> list[Encoded]:
    """Return every household's calls, by time."""
    return encode(
        call
        for household in shopping.households
        for call in calls_of(household, world[household.household_id], shopping)
    )


def encode(calls: Iterable[DemoCall]) -> list[Encoded]:
    """Return calls as they go over the wire, by time."""
    encoder = msgspec.json.Encoder()
    return sorted(
        (Encoded(call.at, call.source, encoder.encode(call.body)) for call in calls), key=lambda call: call.at
    )


class _Joined(msgspec.Struct):
    anonymousId: str = ""  # noqa: N815 - the wire's name
    userId: str = ""  # noqa: N815 - the wire's name


def last_joined(calls: Iterable[Encoded]) -> dict[str, datetime]:
    """Return when each anonymous id was last sent together with a user id: links are forgotten without use."""
    decoder = msgspec.json.Decoder(_Joined)
    last: dict[str, datetime] = {}
    for call in calls:
        ids = decoder.decode(call.body)
        if ids.anonymousId and ids.userId:
            last[ids.anonymousId] = call.at
    return last


def between(calls: list[Encoded], start: datetime, end: datetime) -> list[Encoded]:
    """Return the calls of [start, end)."""
    return calls[bisect_left(calls, start, key=lambda c: c.at) : bisect_left(calls, end, key=lambda c: c.at)]


def batches(calls: Iterable[Encoded]) -> Iterator[tuple[str, int, bytes]]:
    """Yield (source, number of events, body) of requests within the collector's limits."""
    by_source: dict[str, list[bytes]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)
    for call in calls:
        waiting = by_source[call.source]
        if waiting and (len(waiting) >= BATCH_EVENTS or sizes[call.source] + len(call.body) > BATCH_BYTES):
            yield _request(call.source, waiting)
            by_source[call.source], sizes[call.source] = [], 0
        by_source[call.source].append(call.body)
        sizes[call.source] += len(call.body) + 1
    for source, waiting in by_source.items():
        if waiting:
            yield _request(source, waiting)


def _request(source: str, bodies: list[bytes]) -> tuple[str, int, bytes]:
    return source, len(bodies), b'{"batch":[' + b",".join(bodies) + b"]}"
