"""The texts of a call in which an identifier may stand."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

MOST_TEXTS = 2_000
LONGEST = 512
_WORD = re.compile(rb"[^\s\"'{}\[\]:,;<>]+")


def texts_in(raw: bytes) -> Iterator[str]:
    """Yield every text and number of a JSON document, or the words of what is none; as many as a call may hold."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        words = (word.decode("utf-8", "replace") for word in _WORD.findall(raw))
        yield from (word for _, word in zip(range(MOST_TEXTS), words, strict=False) if len(word) <= LONGEST)
        return
    yield from (text for _, text in zip(range(MOST_TEXTS), _walk(document), strict=False))


def _walk(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, str | int) and not isinstance(one, bool) and len(text := str(one)) <= LONGEST:
            yield text
