"""The texts of a call in which an identifier may stand."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from services.identity.domain.calls import scalar_text

MOST_TEXTS = 10_000
"""As many as an event of its largest size can hold."""
LONGEST = 512
_WORD = re.compile(r"[^\s\"'{}\[\]:,;<>\\]+")


def texts_in(raw: bytes) -> Iterator[str]:
    """Yield each text, name and number of a JSON document once, and the words of texts; of what is none its words.

    What could not be read lies in one text of its document: a line of a file, a message in XML.
    """
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = raw.decode("utf-8", "replace")
    seen: set[str] = set()
    for text in _walk(document):
        if text not in seen and len(text) <= LONGEST:
            seen.add(text)
            yield text
        if len(seen) >= MOST_TEXTS:
            return


def _walk(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
            pending.extend(one)
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, str):
            yield one
            yield from (word[0] for word in _WORD.finditer(one))
        elif (number := scalar_text(one)) is not None:
            yield number
