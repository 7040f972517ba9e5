"""API keys: prefixed, with a checksum so that a typo or a scanner's find is recognised without a look-up."""

import binascii
import hashlib
import secrets
from typing import Literal

KeyKind = Literal["write", "secret", "session"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX: dict[KeyKind, str] = {"write": "cdp_wk_", "secret": "cdp_sk_", "session": "cdp_cs_"}
_BODY = 32
_CHECK = 6


def _checksum(text: str) -> str:
    number = binascii.crc32(text.encode())
    digits = ""
    for _ in range(_CHECK):
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    return digits


def new_key(kind: KeyKind) -> str:
    """Return a fresh key: prefix, 32 random characters (190 bits), 6 of checksum."""
    text = _PREFIX[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_BODY))
    return text + _checksum(text)


def kind_of(key: str) -> KeyKind | None:
    """Return the kind of a well-formed key, None when the text cannot be one of ours."""
    for kind, prefix in _PREFIX.items():
        if key.startswith(prefix) and len(key) == len(prefix) + _BODY + _CHECK:
            return kind if _checksum(key[:-_CHECK]) == key[-_CHECK:] else None
    return None


def key_hash(key: str) -> bytes:
    """Return the 32 bytes under which a key is kept; the key itself is never stored."""
    return hashlib.sha256(key.encode()).digest()
