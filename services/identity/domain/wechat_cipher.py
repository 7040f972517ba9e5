"""The signatures and the cipher of WeChat's callbacks, as its developer documentation publishes them.

SHA-1 and unauthenticated CBC are theirs to choose; the signature over the ciphertext is checked before anything else.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.identity.domain.calls import Refusal
from services.identity.domain.webhook import Callback, WebhookSettings

_BLOCK = 32
_HEAD = 20
"""16 random bytes and the length of the message, which stand before it."""


def signature(token: str, *parts: str) -> str:
    """Return the SHA-1 (hex) over the token and the parts, sorted."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode(), usedforsecurity=False).hexdigest()


def is_signed(callback: Callback, settings: WebhookSettings, encrypted: str | None) -> Refusal | None:
    """Return why a callback is not genuine; `encrypted` is what its message signature covers besides."""
    name = "signature" if encrypted is None else "msg_signature"
    told = {part: callback.query.get(part, "") for part in (name, "timestamp", "nonce")}
    missing = [part for part, value in told.items() if not value]
    if missing:
        return Refusal("no_signature", f"query/{missing[0]}", f"the callback lacks its {missing[0]}")
    covered = [told["timestamp"], told["nonce"], *([] if encrypted is None else [encrypted])]
    right = signature(settings.token, *covered)
    if not hmac.compare_digest(right.encode(), told[name].lower().encode()):
        return Refusal("bad_signature", f"query/{name}", "the signature is not that of the source's token")
    return _stale(told["timestamp"], callback.now, settings.max_age_seconds)


def _stale(told: str, now: datetime, max_age_seconds: int) -> Refusal | None:
    if max_age_seconds == 0:
        return None
    age = abs(now.timestamp() - int(told)) if told.isascii() and told.isdigit() and len(told) < 12 else None
    if age is None or age > max_age_seconds:
        return Refusal("stale_signature", "query/timestamp", f"a signature holds for {max_age_seconds} seconds")
    return None


def key_of(aes_key: str) -> bytes | None:
    """Return the 32 bytes of an EncodingAESKey (43 characters of base64), None when it is none."""
    try:
        key = base64.b64decode(aes_key + "=", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


def decrypt(encrypted: str, settings: WebhookSettings) -> bytes | Refusal:
    """Return the message in a ciphertext meant for `settings.app_id`, or why there is none."""
    wrong = Refusal("bad_cipher", "/Encrypt", "the message does not open under the source's AES key")
    key = key_of(settings.aes_key)
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return wrong
    if key is None or not sealed or len(sealed) % 16:
        return wrong
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = opener.update(sealed) + opener.finalize()
    padding = padded[-1]
    if not 1 <= padding <= _BLOCK or len(padded) < _HEAD + padding:
        return wrong
    clear = padded[:-padding]
    length = int.from_bytes(clear[16:_HEAD], "big")
    message, receiver = clear[_HEAD : _HEAD + length], clear[_HEAD + length :]
    if len(message) != length:
        return wrong
    if not hmac.compare_digest(receiver, settings.app_id.encode()):
        return Refusal("other_receiver", "/Encrypt", "the message is meant for another app id")
    return message


def encrypt(message: bytes, settings: WebhookSettings, random: bytes) -> str:
    """Return the ciphertext of a message, as WeChat makes it; `random` is 16 bytes."""
    key = key_of(settings.aes_key)
    if key is None:
        raise ValueError("an EncodingAESKey has 43 characters")
    clear = random + len(message).to_bytes(4, "big") + message + settings.app_id.encode()
    padding = _BLOCK - len(clear) % _BLOCK
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = sealer.update(clear + bytes([padding]) * padding) + sealer.finalize()
    return base64.b64encode(sealed).decode("ascii")
