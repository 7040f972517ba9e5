"""The part of a run's key beside the person: one run per cart, per order, per trip."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.journey.domain.filters import value_at

LONGEST = 200


def entry_key(
    paths: Sequence[str], plain: Mapping[str, Any], all_properties: Mapping[str, Any], hide: Callable[[str], str]
) -> str:
    """Return the key's text; values that are personal (not among `plain`) are hidden behind a keyed hash."""
    parts: list[str] = []
    for path in paths:
        value = value_at(plain, path)
        if value is None:
            personal = value_at(all_properties, path)
            parts.append("" if personal is None else hide(_text(personal)))
        else:
            parts.append(_text(value))
    key = "|".join(parts)
    return key if len(key) <= LONGEST else hashlib.sha256(key.encode()).hexdigest()


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text.replace("\0", "")
