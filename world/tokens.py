"""Made-up identifier values, from a seeded source of chance."""

import random
from base64 import urlsafe_b64encode


def token(rng: random.Random, first: str, length: int) -> str:
    """Return `length` url-safe characters that begin with `first`, as WeChat's ids do."""
    missing = length - len(first)
    bits = rng.getrandbits(6 * missing)
    spelled = urlsafe_b64encode(bits.to_bytes(-(-missing // 4) * 3, "big")).decode()
    return first + spelled[: -missing - 1 : -1]


def uuid_text(rng: random.Random) -> str:
    """Return a random UUID (version 4) as text."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def phone(number: int, generation: int = 0) -> str:
    """Return a mobile number of its own for each human, and further ones for those who lose theirs."""
    # 7919 shares no factor with the numbers there are, so no two humans get one.
    return f"+86{139 - generation}{(12_345_678 + number * 7919) % 100_000_000:08d}"
