"""Records made comparable: one spelling, what cannot be known left out, and derived values beside them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

FieldKind = Literal["name", "date", "email", "category", "text", "number"]
Prepared = dict[str, str | None]
Recorded = dict[str, str | int | float]
"""What is known of a person, by the names of a model's fields, as it was told."""
_HAN = re.compile(r"[\u3400-\u9fff]{2,3}")
_DATE = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})")


def _syllables() -> dict[str, str]:
    """Return the pinyin of each Chinese character, without tones, by its first reading."""
    text = Path(__file__).with_name("pinyin.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {character: syllable for syllable, characters in lines for character in characters}


_pinyin: dict[str, str] = {}


def pinyin(name: str) -> str | None:
    """Return how a Chinese name of two or three characters sounds, None for any other."""
    if not _HAN.fullmatch(name):
        return None
    if not _pinyin:
        _pinyin.update(_syllables())
    return " ".join(_pinyin.get(character, character) for character in name)


def prepare(record: Mapping[str, object], fields: Mapping[str, FieldKind]) -> Prepared:
    """Return a record's fields in one spelling; a blank is nothing.

    1 January is what forms fill in for a birthday nobody told, and is nothing too. Names bring `<field>_pinyin` along,
    e-mail addresses `<field>_user`.
    """
    prepared: Prepared = {}
    for name, kind in fields.items():
        told = record.get(name)
        text = unicodedata.normalize("NFKC", str(told)).strip().lower() if told is not None else ""
        value = text or None
        if kind == "date":
            value = _birthday(text)
        prepared[name] = value
        if kind == "name":
            prepared[f"{name}_pinyin"] = pinyin(value) if value else None
        elif kind == "email":
            prepared[f"{name}_user"] = value.partition("@")[0] or None if value else None
    return prepared


def _birthday(text: str) -> str | None:
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return None if (day.month, day.day) == (1, 1) else day.isoformat()
