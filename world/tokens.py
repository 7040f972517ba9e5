"""Made-up identifier values, from a seeded source of chance."""

import random

_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def token(rng: random.Random, first: str, length: int) -> str:
    """Return `length` url-safe characters that begin with `first`, as WeChat's ids do."""
    missing = length - len(first)
    bits = rng.getrandbits(6 * missing)
    return first + "".join(_URL_SAFE[bits >> 6 * place & 63] for place in range(missing))


def uuid_text(rng: random.Random) -> str:
    """Return a random UUID (version 4) as text."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def phone(number: int, generation: int = 0) -> str:
    """Return a mobile number of its own for each human, and further ones for those who lose theirs."""
    # 7919 shares no factor with the numbers there are, so no two humans get one.
    return f"+86{139 - generation}{(12_345_678 + number * 7919) % 100_000_000:08d}"
