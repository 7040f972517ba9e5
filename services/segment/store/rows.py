"""Rows of the columnar tables as JSON lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from services.segment.domain.values import Facet, StoredValue, leaves, stored

Target = Literal["event", "trait", "personal_trait", "account_trait", "override", "override_span"]
Origin = Literal["collected", "own"]
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="string")
# what the columnar store can say of time
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, tzinfo=UTC)
_TO_MICROSECONDS = len("2026-01-31 00:00:00.000000")
# as plain numbers: an operation on flags costs ten on numbers, and there are some for each property of each event
_NUMERIC, _TIME = int(Facet.NUMERIC), int(Facet.TIME)


def decode(raw: bytes | bytearray | memoryview | str) -> object:
    """Return decoded JSON with exact numbers."""
    return _decoder.decode(raw)


def decode_object(raw: bytes | bytearray | memoryview | str) -> Mapping[str, object]:
    """Return a decoded JSON object with exact numbers; anything else is an empty one."""
    value = decode(raw)
    return value if isinstance(value, dict) else {}


def event_row(
    *,
    workspace_id: int,
    name: str,
    person_no: int,
    subject_no: int,
    event_time: datetime,
    received_at: datetime,
    event_id: UUID,
    origin: Origin,
    source_id: int,
    properties: Mapping[str, object],
    generation: int = 0,
) -> bytes:
    """Return the line of an event."""
    row = {
        "workspace_id": workspace_id,
        "name": name,
        "person_no": person_no,
        "event_time": _time(event_time),
        "subject_no": subject_no,
        "person_no_at_ingest": person_no,
        "received_at": _time(received_at),
        "event_id": event_id,
        "origin": origin,
        "source_id": source_id,
        **_maps("property", leaves(properties)),
    }
    if generation:
        row["generation"] = generation
    return _encoder.encode(row)


def trait_row(*, workspace_id: int, name: str, person_no: int, version: int, since: datetime, value: object) -> bytes:
    """Return the line of a person's trait; a removed one is a missing value of a newer version."""
    whose = {"workspace_id": workspace_id, "name": name, "person_no": person_no}
    return _encoder.encode({**whose, **_trait(version, since, value)})


def account_row(*, workspace_id: int, account: str, name: str, version: int, since: datetime, value: object) -> bytes:
    """Return the line of an account's trait; a removed one is a missing value of a newer version."""
    whose = {"workspace_id": workspace_id, "name": name, "account": account}
    return _encoder.encode({**whose, **_trait(version, since, value)})


def _trait(version: int, since: datetime, value: object) -> dict[str, object]:
    laid = stored(value)
    return {
        "version": version,
        "since": _time(since),
        "facets": laid.facets,
        "text": laid.text,
        "folded": laid.folded,
        "decimal": _decimal(laid),
        "number": _number(laid),
        "time": _time(laid.time),
        "items": laid.items,
        **_maps("leaf", leaves(value) if isinstance(value, Mapping) else ()),
    }


def override_row(*, workspace_id: int, subject_no: int, person_no: int, version: int) -> bytes:
    """Return the line of a subject's present owner."""
    row = {"workspace_id": workspace_id, "subject_no": subject_no, "person_no": person_no, "version": version}
    return _encoder.encode(row)


def span_row(*, workspace_id: int, subject_no: int, spans: Sequence[tuple[datetime, int]], version: int) -> bytes:
    """Return the line of a subject whose owner depends on the time: (beginning, person), by time."""
    row = {
        "workspace_id": workspace_id,
        "subject_no": subject_no,
        "starts": [_time(min(max(since, _FIRST), _LAST)) for since, _ in spans],
        "persons": [person_no for _, person_no in spans],
        "version": version,
    }
    return _encoder.encode(row)


def _maps(prefix: Literal["property", "leaf"], values: Iterable[tuple[str, StoredValue]]) -> dict[str, object]:
    maps = _Maps()
    for key, value in values:
        maps.add(key, value)
    return {f"{prefix}_{part}": entries for part, entries in maps.parts() if entries}


class _Maps:
    """The map columns of one row; what a column holds for nothing is left out."""

    __slots__ = ("decimal", "facets", "folded", "items", "number", "text", "time")

    def __init__(self) -> None:
        self.facets: dict[str, int] = {}
        self.text: dict[str, str] = {}
        self.folded: dict[str, str] = {}
        self.decimal: dict[str, str] = {}
        self.number: dict[str, float | str] = {}
        self.time: dict[str, str] = {}
        self.items: dict[str, tuple[str, ...]] = {}

    def add(self, key: str, value: StoredValue) -> None:
        """Lay down a value under its key."""
        self.facets[key] = value.facets
        if value.text:
            self.text[key] = value.text
            if value.folded != value.text:
                self.folded[key] = value.folded
        if value.facets & _NUMERIC:
            self.number[key] = _number(value)
            if value.decimal:
                self.decimal[key] = _decimal(value)
        if value.facets & _TIME:
            self.time[key] = _time(value.time)
        if value.items:
            self.items[key] = value.items

    def parts(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield the columns by name."""
        for part in self.__slots__:
            yield part, getattr(self, part)


def _time(moment: datetime) -> str:
    written = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return written.isoformat(" ", "microseconds")[:_TO_MICROSECONDS]


def _decimal(value: StoredValue) -> str:
    return format(value.decimal, "f")


def _number(value: StoredValue) -> float | str:
    # JSON has no infinity; beyond the range of floats it is one
    return value.number if abs(value.number) != float("inf") else ("inf" if value.number > 0 else "-inf")
