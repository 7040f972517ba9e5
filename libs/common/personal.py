"""Personal data: a type that prints redacted, a codec that seals it, and the catalogue that says what is personal.

AES-256-GCM under the workspace's data key; a sealed value is `version(1) | key number(1) | nonce(12) | ciphertext+tag`.
Look-ups go by HMAC-SHA-256 under a key derived for that purpose alone (HKDF, RFC 5869).
"""

import base64
import hmac
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

REDACTED = "[personal]"
_FORMAT = 1
_HEADER = 2
_NONCE = 12


class Personal(str):
    """A personal value in clear: usable as text, but prints and logs as `[personal]`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return REDACTED

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, format_spec: str) -> str:
        return REDACTED

    def reveal(self) -> str:
        """Return the clear text; the only way to get at it."""
        return "".join(self)


class SealBroken(Exception):
    """A sealed value does not open: the key is unknown or a byte was changed."""


class Sealer:
    """Seals and opens the personal data of one workspace; keys by number, the highest seals."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("a workspace needs data keys of 32 bytes, numbered from 1")
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._current = max(keys)
        # The look-up key never rotates with the sealing key: indexes would go stale.
        first = keys[min(keys)]
        self._lookup_key = HKDF(hashes.SHA256(), 32, salt=None, info=b"rapport look-up").derive(first)

    def seal(self, clear: bytes) -> bytes:
        """Return `clear` sealed; two calls never give the same bytes."""
        nonce = os.urandom(_NONCE)
        header = bytes((_FORMAT, self._current))
        return header + nonce + self._ciphers[self._current].encrypt(nonce, clear, header)

    def open(self, sealed: bytes) -> bytes:
        """Return the clear bytes; raises SealBroken."""
        header = sealed[:_HEADER]
        cipher = self._ciphers.get(header[1]) if len(header) == _HEADER and header[0] == _FORMAT else None
        if cipher is None:
            raise SealBroken("sealed under an unknown key")
        try:
            return cipher.decrypt(sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :], header)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("the sealed value was changed") from error

    def seal_json(self, value: Any) -> str:
        """Return a JSON value sealed, as base64 text."""
        return base64.b64encode(self.seal(msgspec.json.encode(value))).decode("ascii")

    def open_json(self, sealed: str) -> Any:
        """Return the JSON value sealed by `seal_json`."""
        return msgspec.json.decode(self.open(base64.b64decode(sealed)))

    def lookup(self, namespace: str, value: bytes) -> bytes:
        """Return the 32-byte keyed hash by which a value of `namespace` is found without being readable."""
        return hmac.digest(self._lookup_key, namespace.encode() + b"\0" + value, "sha256")


class Vault:
    """Wraps and unwraps data keys under the master key of the settings."""

    def __init__(self, master_key: str) -> None:
        try:
            key = base64.b64decode(master_key, validate=True)
        except ValueError as error:
            raise ValueError("RAPPORT_MASTER_KEY must be base64 of 32 bytes") from error
        if len(key) != 32:
            raise ValueError("RAPPORT_MASTER_KEY must be base64 of 32 bytes")
        self._cipher = AESGCM(key)

    def new_data_key(self) -> str:
        """Return a fresh data key, wrapped, as base64."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, os.urandom(32), b"data key")).decode("ascii")

    def sealer(self, wrapped: Mapping[str, str]) -> Sealer:
        """Return the sealer of the wrapped keys `{"1": "..."}`; raises SealBroken under another master key."""
        keys: dict[int, bytes] = {}
        for number, text in wrapped.items():
            raw = base64.b64decode(text)
            try:
                keys[int(number)] = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], b"data key")
            except InvalidTag as error:
                raise SealBroken("RAPPORT_MASTER_KEY is not the key these data keys were wrapped with") from error
        return Sealer(keys)


Place = Literal["trait", "property", "context"]

PERSONAL_NAMES = frozenset(
    {
        "email", "phone", "mobile", "tel", "telephone", "firstname", "lastname", "middlename", "fullname",
        "first_name", "last_name", "full_name", "nickname", "address", "street", "postalcode", "birthday",
        "birthdate", "date_of_birth", "dob", "born_on", "ip", "useragent", "advertisingid", "deviceid", "idfa", "idfv",
        "gaid", "oaid", "imei", "android_id", "openid", "unionid", "external_userid", "avatar",
        "id_card", "passport", "externalids", "anonymousid", "userid", "member_card", "pushtoken",
        "latitude", "longitude", "phone_number", "phonenumber", "email_address", "emailaddress", "mobile_phone",
    }
)  # fmt: skip
"""Names that are personal wherever they stand unless the workspace's catalogue says otherwise; in lower case."""

PERSONAL_IN: dict[Place, frozenset[str]] = {
    "trait": frozenset({"name", "username", "location"}),
    "property": frozenset(),
    "context": frozenset({"device", "location", "traits"}),
}
"""A product has a name too: these are personal in one place only."""

PERSONAL_ENDS = frozenset(
    {
        "email", "phone", "mobile", "telephone", "address", "birthday", "birthdate", "openid", "unionid", "surname",
        "nickname", "imei", "idfa", "idfv", "oaid", "gaid", "passport", "postcode", "zipcode",
    }
)  # fmt: skip
"""A name that ends in such a word is personal: `receiver_phone`, `billingAddress`, `contact-email`."""

WHOSE_NAME = frozenset(
    {
        "first", "last", "middle", "full", "given", "family", "real", "nick", "receiver", "recipient", "consignee",
        "customer", "contact", "buyer", "user", "member", "person", "billing", "shipping", "owner", "guest", "holder",
    }
)  # fmt: skip
"""With one of these before it a `name` is a person's; a product's or a campaign's is not."""

PERSONAL_SIGNS = ("手机", "电话", "邮箱", "姓名", "名字", "昵称", "地址", "生日", "身份证", "收货人", "收件人")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=16_384)
def _sounds_personal(name: str) -> bool:
    if name.lower() in PERSONAL_NAMES:
        return True
    if not name.isascii():
        return any(sign in name for sign in PERSONAL_SIGNS)
    words = [word.lower() for word in _WORD.findall(name[:200])]
    if not words:
        return False
    return words[-1] in PERSONAL_ENDS or (words[-1] == "name" and not WHOSE_NAME.isdisjoint(words))


def is_personal(name: str, place: Place = "property", overrides: Mapping[str, bool] | None = None) -> bool:
    """Return whether a trait, property or context key holds personal data."""
    if overrides and name in overrides:
        return overrides[name]
    return name.lower() in PERSONAL_IN[place] or _sounds_personal(name)


def split_personal(
    values: Mapping[str, Any], place: Place = "property", overrides: Mapping[str, bool] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (plain, personal) of a JSON object; nested objects are split by their own names, lists go whole."""
    plain: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for name, value in values.items():
        if is_personal(name, place, overrides) or (isinstance(value, list) and _any_personal(value, place, overrides)):
            personal[name] = value
        elif isinstance(value, dict):
            inner_plain, inner_personal = split_personal(value, place, overrides)
            if inner_plain or not inner_personal:
                plain[name] = inner_plain
            if inner_personal:
                personal[name] = inner_personal
        else:
            plain[name] = value
    return plain, personal


def _any_personal(values: list[Any], place: Place, overrides: Mapping[str, bool] | None) -> bool:
    for value in values:
        if isinstance(value, dict) and split_personal(value, place, overrides)[1]:
            return True
        if isinstance(value, list) and _any_personal(value, place, overrides):
            return True
    return False


def merge_personal(plain: Mapping[str, Any], personal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that `split_personal` took apart."""
    merged = dict(plain)
    for name, value in personal.items():
        present = merged.get(name)
        merged[name] = (
            merge_personal(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
        )
    return merged
