"""What canonicalising a value gives: its one spelling, or the reason it is no identifier."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from services.identity.domain.policy import Canonical, InvalidValue, NamespaceKind, NamespacePolicy

LONGEST_VALUE = 512
"""Characters; longer values are refused before any work is spent on them."""


Spelling = str | InvalidValue
"""The one spelling of a value, or why it has none."""


def namespace_kind(
    name: str,
    policy: NamespacePolicy,
    spell: Callable[[str, str | None], Spelling],
    *,
    aliases: Iterable[str] = (),
    scope_required: bool = False,
    twins: Callable[[str], tuple[tuple[str, str], ...]] | None = None,
    hashed_as: Iterable[str] = (),
    named: Mapping[str, Callable[[str, str | None], Spelling]] = MappingProxyType({}),
    declarable: Iterable[str] = (),
) -> NamespaceKind:
    """Return the plug-in of a namespace whose values are spelled by `spell` and hashed elsewhere as `twins` says.

    `named` are aliases whose values are spelled more strictly; all they let through `spell` leaves as it is.
    """

    return NamespaceKind(
        name=name,
        policy=policy,
        canonical=_remembered(spell, twins),
        aliases=frozenset(aliases).union(named),
        scope_required=scope_required,
        hashed_as=frozenset(hashed_as),
        named={alias: _remembered(own, twins) for alias, own in named.items()},
        declarable=frozenset(declarable),
    )


def _remembered(
    spell: Callable[[str, str | None], Spelling], twins: Callable[[str], tuple[tuple[str, str], ...]] | None
) -> Callable[[str, str | None], Canonical | InvalidValue]:
    # The same identifier comes with most of a person's events; a phone number costs 19 us to parse.
    @lru_cache(maxsize=65_536)
    def canonical(value: str, region: str | None) -> Canonical | InvalidValue:
        spelling = spell(value, region)
        if isinstance(spelling, InvalidValue):
            return spelling
        return Canonical(spelling, twins(spelling) if twins else ())

    return canonical


_ILLEGAL = frozenset(
    {
        "", "null", "nil", "none", "undefined", "nan", "0", "-1", "true", "false", "anonymous", "guest", "test",
        "void", "[object object]", "(null)", "<null>", "n/a", "unknown",
    }
)  # fmt: skip
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\\ "
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def tidy(value: str) -> Spelling:
    """Return `value` in NFKC without outer space and invisible marks, or why it cannot be read as text."""
    if len(value) > LONGEST_VALUE:
        return InvalidValue("too_long")
    text = value.strip() if value.isascii() else _fold(value)
    if not text:
        return InvalidValue("blank")
    if not text.isprintable():
        return InvalidValue("control_characters")
    if len(text) > LONGEST_VALUE:
        return InvalidValue("too_long")
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
