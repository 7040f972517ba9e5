"""What a recorded event says about a person: traits, addresses, consents, zone and language."""

import base64
from datetime import datetime
from typing import Any

import msgspec

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.personal import Sealer, merge_personal
from services.profile.domain.consent_call import PREFERENCES_EVENT, WORD_BY_EVENT, ConsentSaid, read_consents
from services.profile.domain.contact import KIND_BY_TRAIT, ContactKind, canonical_address
from services.profile.domain.trait import Said, read_traits
from services.profile.domain.values import Json, clean_text, parse_json, parse_object

LOCALITY_LENGTH = 64


class Declared(msgspec.Struct, frozen=True):
    """An address a trait declares, in clear."""

    kind: ContactKind
    value: str
    verified_at: datetime | None = None


class Locality(msgspec.Struct, frozen=True):
    """The zone and language an event came with."""

    timezone: str | None = None
    locale: str | None = None


class _Context(msgspec.Struct):
    timezone: Any = None
    locale: Any = None


_context_decoder = msgspec.json.Decoder(_Context)


def speaks_of_consent(kind: str, name: str) -> bool:
    """Return whether an event may hold statements of consent."""
    return kind == "track" and (name in WORD_BY_EVENT or name == PREFERENCES_EVENT)


def read_locality(context: bytes) -> Locality | None:
    """Return the zone and language of an event's plain context."""
    try:
        seen = _context_decoder.decode(context)
    except msgspec.DecodeError:
        return None
    found = Locality(_short_text(seen.timezone), _short_text(seen.locale))
    return found if found.timezone or found.locale else None


def read_said(plain: bytes, opened: bytes | None) -> list[Said]:
    """Return the traits of an identify call: its plain object and the opened sealed part `{"traits": {...}}`."""
    values = parse_object(plain)
    personal = _part(opened, "traits")
    return read_traits(merge_personal(values, personal), personal_names(personal))


def opened_part(event: EventRecorded, sealer: Sealer) -> bytes | None:
    """Return the sealed part of an event, opened."""
    return None if event.sealed is None else sealer.open(base64.b64decode(event.sealed))


def personal_names(personal: dict[str, Json]) -> frozenset[str]:
    """Return the names of traits that hold personal data, at the top or below `$set` and its kin."""
    names = set(personal)
    for verb in ("$set", "$set_once"):
        inner = personal.get(verb)
        if isinstance(inner, dict):
            names.update(inner)
    return frozenset(map(clean_text, names))


def declared_addresses(
    said: list[Said], *, event_time: datetime, authenticated: bool, region: str | None = None
) -> list[Declared]:
    """Return the addresses among traits; an authenticated call that says `verified: true` verifies them.

    `region` (CN) is whose a telephone number without a country's prefix is.
    """
    verified = authenticated and any(s.name == "verified" and s.value == b"true" for s in said)
    found: list[Declared] = []
    for one in said:
        kind = KIND_BY_TRAIT.get(one.name.lower())
        value = parse_json(one.value) if kind is not None and one.kind != "unset" else None
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        canonical = canonical_address(kind, text, region) if kind is not None and text else None
        if kind is not None and canonical is not None:
            found.append(Declared(kind, canonical, event_time if verified else None))
    return found


def read_event_consents(name: str, properties: bytes, context: bytes, opened: bytes | None) -> list[ConsentSaid]:
    """Return what an event states about consent."""
    return read_consents(
        name,
        merge_personal(parse_object(properties), _part(opened, "properties")),
        merge_personal(parse_object(context), _part(opened, "context")),
    )


def _part(opened: bytes | None, name: str) -> dict[str, Json]:
    part = parse_object(opened).get(name) if opened is not None else None
    return part if isinstance(part, dict) else {}


def _short_text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = clean_text(value).strip()
    return text if 0 < len(text) <= LOCALITY_LENGTH else None
