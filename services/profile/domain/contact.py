"""Contact points: every address of a person, its state, and which one is preferred."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec
import phonenumbers

ContactKind = Literal["email", "phone", "wx_openid", "wx_external_userid", "push_token"]
ContactState = Literal["verified", "declared", "bounced", "unsubscribed", "complained", "taken"]
"""`taken`: a telephone number that is somebody else's now (recycled, or a typo); nobody is written to there."""
ReportState = Literal["bounced", "unsubscribed", "complained"]

KIND_BY_CHANNEL: dict[str, ContactKind] = {
    "email": "email",
    "sms": "phone",
    "wechat": "wx_openid",
    "wechat_official_account": "wx_openid",
    "mini_program": "wx_openid",
    "wecom": "wx_external_userid",
    "push": "push_token",
}
"""Which kind of address a channel needs; a channel that is not here (the inbox) needs none."""
KIND_BY_TRAIT: dict[str, ContactKind] = {
    "email": "email",
    "email_address": "email",
    "emailaddress": "email",
    "phone": "phone",
    "mobile": "phone",
    "mobile_phone": "phone",
    "phone_number": "phone",
    "phonenumber": "phone",
    "pushtoken": "push_token",
    "push_token": "push_token",
}
"""Traits that declare an address, by their name in lower case."""
KIND_BY_NAMESPACE: dict[str, ContactKind] = {
    "email": "email",
    "phone": "phone",
    "wx_openid": "wx_openid",
    "wx_external_userid": "wx_external_userid",
    "push_token": "push_token",
}
MOST_OTHERS = 100
"""So many others who share an address are counted; it stands for more, too."""
_USABLE = ("verified", "declared", "unsubscribed")
_NOWHERE = ("bounced", "taken")
_NONE_TAKEN: Mapping[bytes, datetime] = {}
_PHONE = re.compile(r"\+?\d{5,15}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,253}")


class Address(msgspec.Struct, frozen=True):
    """One address as the person's identifiers and traits declared it; the times are event times."""

    kind: ContactKind
    scope: str
    lookup: bytes
    sealed: bytes
    first_time: datetime
    last_time: datetime
    verified_at: datetime | None = None


class Report(msgspec.Struct, frozen=True):
    """A channel's word about an address of the person; which one, the report does not say."""

    kind: ContactKind
    state: ReportState
    at: datetime


class ContactPoint(msgspec.Struct, frozen=True):
    """An address with its present state; `shared_with` counts the other persons who have it, up to MOST_OTHERS."""

    address: Address
    state: ContactState
    preferred: bool = False
    shared_with: int = 0


def canonical_address(kind: ContactKind, text: str, region: str | None = None) -> str | None:
    """Return the one spelling of an address, or None where the text is none (a masked number, a sentence).

    A telephone number is E.164 where it is a valid one: of `region` (CN), or written internationally. Any other keeps
    its digits.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if kind == "email":
        return text.lower() if _EMAIL.fullmatch(text) else None
    if kind == "phone":
        digits = re.sub(r"[\s().-]", "", text)
        return (_e164(digits, region) or digits) if _PHONE.fullmatch(digits) else None
    return text if 0 < len(text) <= 400 and text.isprintable() else None


def _e164(digits: str, region: str | None) -> str | None:
    if region is None and digits.startswith("00"):
        digits = "+" + digits[2:]
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def contact_points(
    addresses: Iterable[Address], reports: Iterable[Report], taken: Mapping[bytes, datetime] = _NONE_TAKEN
) -> list[ContactPoint]:
    """Return a person's contact points, the preferred one of each kind first, those that are another's last.

    `taken` has, by keyed hash, since when a number is owned by somebody else.

    The same address from several identifiers is one. A report is about the address that was preferred at its time;
    a verification after it makes a bounced or unsubscribed address good again, a complaint stays. An unsubscribed
    address may be preferred: the consent ledger decides, and a later grant reopens it.
    """
    merged = _merged(addresses)
    states: dict[tuple[str, str, bytes], tuple[ReportState, datetime]] = {}
    for report in sorted(reports, key=lambda r: (r.at, r.state)):
        known = [a for a in merged if a.kind == report.kind and a.first_time <= report.at]
        known = [a for a in known if a.lookup not in taken or report.at < taken[a.lookup]] or known
        usable = [a for a in known if _state(a, states) in _USABLE]
        if known:
            best = _best_first(usable or known)[0]
            states[_key(best)] = (report.state, report.at)
    points: list[ContactPoint] = []
    for address in _best_first(merged):
        state = "taken" if address.lookup in taken else _state(address, states)
        first = not any(p.address.kind == address.kind and p.preferred for p in points)
        points.append(ContactPoint(address, state, state in _USABLE and first))
    return sorted(points, key=lambda point: (point.address.kind, not point.preferred, point.state == "taken"))


def with_sharing(
    points: Iterable[ContactPoint], person_no: int, holders: Mapping[bytes, Collection[int]]
) -> list[ContactPoint]:
    """Return a person's points with how many others have each address; `holders` has persons by its keyed hash.

    A family's e-mail belongs to one of them, and each who gave it is reached there.
    """
    return [
        msgspec.structs.replace(point, shared_with=min(len(others), MOST_OTHERS))
        for point in points
        for others in ({*holders.get(point.address.lookup, ())} - {person_no},)
    ]


def point_for(points: Iterable[ContactPoint], channel: str) -> ContactPoint | None:
    """Return where a message on the channel goes: to the preferred address, else to the first there is.

    A point that is taken is returned where there is no other, to say why nothing goes there.
    """
    kind = KIND_BY_CHANNEL.get(channel)
    fitting = [point for point in points if point.address.kind == kind]
    return next((point for point in fitting if point.preferred), fitting[0] if fitting else None)


def usable_channels(points: Iterable[ContactPoint]) -> set[str]:
    """Return the channels on which a message has somewhere to go: an address of his that did not bounce.

    An unsubscribed address is one: whether it may be written to is for the consent ledger to say.
    """
    known = list(points)
    found = {channel: point_for(known, channel) for channel in KIND_BY_CHANNEL}
    return {channel for channel, point in found.items() if point is not None and point.state not in _NOWHERE}


def masked(kind: ContactKind, address: str) -> str:
    """Return an address with the part hidden that would identify the person."""
    if kind == "email":
        local, _, domain = address.partition("@")
        return f"{local[:1]}***@{domain}"
    if kind == "phone":
        return f"{address[:-8]}****{address[-4:]}" if len(address) > 8 else "****"
    return f"{address[:3]}***"


def _merged(addresses: Iterable[Address]) -> list[Address]:
    by_key: dict[tuple[str, str, bytes], Address] = {}
    for address in addresses:
        known = by_key.get(_key(address))
        if known is None:
            by_key[_key(address)] = address
            continue
        verified = [a.verified_at for a in (known, address) if a.verified_at is not None]
        by_key[_key(address)] = msgspec.structs.replace(
            known,
            first_time=min(known.first_time, address.first_time),
            last_time=max(known.last_time, address.last_time),
            verified_at=max(verified, default=None),
        )
    return [by_key[key] for key in sorted(by_key)]


def _best_first(addresses: Iterable[Address]) -> list[Address]:
    """Verified before declared, then the one used last, then by its keyed hash."""
    newest = sorted(sorted(addresses, key=_key), key=lambda a: a.last_time, reverse=True)
    return sorted(newest, key=lambda a: a.verified_at is None)


def _state(address: Address, states: dict[tuple[str, str, bytes], tuple[ReportState, datetime]]) -> ContactState:
    reported = states.get(_key(address))
    fresh: ContactState = "verified" if address.verified_at is not None else "declared"
    if reported is None:
        return fresh
    state, at = reported
    renewed = address.verified_at is not None and address.verified_at > at
    return fresh if renewed and state != "complained" else state


def _key(address: Address) -> tuple[str, str, bytes]:
    return address.kind, address.scope, address.lookup
