"""Hashed identifiers: which digests are no identifier because they hash a blank or a filler."""

import hashlib
import re
from collections.abc import Callable

from services.identity.domain.canonical import Spelling, tidy
from services.identity.domain.policy import InvalidValue

_BLANK = ("", " ", "null", "NULL", "None", "none", "undefined", "nan", "NaN", "0", "-1", "true", "false", "test", "n/a")


def digest_canonical(algorithm: str, blocked: tuple[str, ...]) -> Callable[[str, str | None], Spelling]:
    """Return the canonical function of hex digests by `algorithm` that refuses hashes of blanks and of `blocked`."""
    length = hashlib.new(algorithm).digest_size * 2
    blanks = {hex_digest(algorithm, value) for value in _BLANK}
    fillers = {hex_digest(algorithm, value) for value in blocked}
    shape = re.compile(f"[0-9a-f]{{{length}}}")

    def canonical(value: str, _region: str | None = None) -> Spelling:
        text = tidy(value)
        if isinstance(text, InvalidValue):
            return text
        text = text.lower()
        if shape.fullmatch(text) is None:
            return InvalidValue("not_a_hash")
        if text in blanks:
            return InvalidValue("hash_of_blank")
        if text in fillers:
            return InvalidValue("hash_of_filler")
        return InvalidValue("zeros") if len(set(text)) == 1 else text

    return canonical


def hex_digest(algorithm: str, value: str) -> str:
    """Return the lower-case hex digest of a text in UTF-8."""
    return hashlib.new(algorithm, value.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
