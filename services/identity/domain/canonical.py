"""What canonicalising a value gives: its one spelling, or the reason it is no identifier."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_VALUE = 512
"""Characters; longer values are refused before any work is spent on them."""


class NotAnIdentifier(NamedTuple):
    """A value that must not become a node, with a machine-readable reason."""

    reason: str


Canonical = str | NotAnIdentifier
"""The one spelling, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A kind of identifier: how its values are spelled, which are none, and by what other names callers know it."""

    name: str
    canonical: Callable[[str, str | None], Canonical]
    aliases: frozenset[str] = frozenset()
    scope_required: bool = False
    twins: Callable[[str], tuple[tuple[str, str], ...]] | None = None


_ILLEGAL = frozenset(
    {
        "", "null", "nil", "none", "undefined", "nan", "0", "-1", "true", "false", "anonymous", "guest", "test",
        "void", "[object object]", "(null)", "<null>", "n/a", "unknown",
    }
)  # fmt: skip
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\\ "
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def tidy(value: str) -> Canonical:
    """Return `value` in NFKC without outer space and invisible marks, or why it cannot be read as text."""
    if len(value) > LONGEST_VALUE:
        return NotAnIdentifier("too_long")
    text = value.strip() if value.isascii() else _fold(value)
    if not text:
        return NotAnIdentifier("blank")
    if not text.isprintable():
        return NotAnIdentifier("control_characters")
    if len(text) > LONGEST_VALUE:
        return NotAnIdentifier("too_long")
    return text


def _fold(value: str) -> str:
    # A removed mark or space can let two letters compose, so the form is sought until it stands still.
    text = value
    while (folded := unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).strip()) != text:
        text = folded
    return text


def is_filler(text: str) -> bool:
    """Return whether `text` is what programs send in place of a value (null, undefined, zeros), also when quoted."""
    bare = text.strip(_QUOTES).lower()
    return bare in _ILLEGAL or not bare.strip("0-_.:")


def url_safe(text: str) -> bool:
    """Return whether `text` holds only letters, digits, `-` and `_`."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None
