"""Passwords of console users: scrypt (RFC 7914) with a salt of their own."""

import hashlib
import hmac

_COST = 2**14
_BLOCK = 8
_PARALLEL = 1


def hash_password(password: str, salt: bytes) -> bytes:
    """Return the 32-byte scrypt hash (N=16384, r=8, p=1)."""
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=32)


def password_fits(password: str, salt: bytes, expected: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_password(password, salt), expected)
