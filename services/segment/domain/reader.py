"""Reading untrusted JSON: every mistake is noted with its pointer, reading goes on."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.segment.domain.fault import Fault
from services.segment.domain.spans import Span, parse_span
from services.segment.domain.values import Scalar, parse_time

LONGEST_TEXT = 10_000
LONGEST_LIST = 1_000
LARGEST = Decimal(sys.float_info.max)
"""What is compared is compared as a float too where it is not exact; beyond there is none."""


def is_beyond(value: object) -> bool:
    """Tell whether a value is a number that no float reaches, or none at all (NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return value != value or not -LARGEST <= value <= LARGEST  # noqa: PLR0124 - NaN alone differs from itself


class Refused(Exception):
    """The value cannot be read any further; its fault is already noted."""


@dataclass(frozen=True)
class Reader:
    """A JSON value, where it stands, and the list the faults go to."""

    value: object
    pointer: str = ""
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, detail: str) -> Refused:
        """Note a fault at this place; raise what comes back."""
        self.faults.append(Fault(self.pointer, detail))
        return Refused()

    def at(self, key: str | int) -> "Reader":
        """Return the reader of a member that exists."""
        container = self.value
        step = str(key).replace("~", "~0").replace("/", "~1")
        inner = container[key] if isinstance(container, dict | list) else None  # type: ignore[index]  # key fits container
        return Reader(inner, f"{self.pointer}/{step}", self.faults)

    def get(self, key: str) -> "Reader | None":
        """Return the reader of an optional member; null counts as absent."""
        if isinstance(self.value, dict) and self.value.get(key) is not None:
            return self.at(key)
        return None

    def need(self, key: str) -> "Reader":
        """Return the reader of a required member."""
        found = self.get(key)
        if found is None:
            raise self.refuse(f"`{key}` is required")
        return found

    def members(self) -> dict[str, object]:
        """Return the members of an object."""
        if not isinstance(self.value, dict):
            raise self.refuse("an object is expected")
        return self.value

    def only(self, *allowed: str) -> None:
        """Note every member that is not among `allowed`."""
        for key in self.members():
            if key not in allowed:
                self.at(key).refuse(f"`{key}` is not known here; known: {', '.join(allowed)}")

    def items(self, *, at_least: int = 0, at_most: int = LONGEST_LIST) -> Iterator["Reader"]:
        """Return a reader per element of a list."""
        if not isinstance(self.value, list):
            raise self.refuse("a list is expected")
        if not at_least <= len(self.value) <= at_most:
            raise self.refuse(f"a list of {at_least} to {at_most} is expected")
        return (self.at(position) for position in range(len(self.value)))

    def text(self, *, empty: bool = False) -> str:
        """Return a text that can be stored."""
        value = self.value
        if not isinstance(value, str) or (not value and not empty):
            raise self.refuse("a text is expected")
        if len(value) > LONGEST_TEXT:
            raise self.refuse(f"a text of at most {LONGEST_TEXT} characters is expected")
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            raise self.refuse("the text is not valid unicode")
        return value

    def whole(self, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
        """Return a whole number within bounds."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self.refuse(f"a whole number from {at_least} to {at_most} is expected")
        # within bounds first: as a whole number 1e999999999 fills the memory
        if not at_least <= value <= at_most or value != int(value):
            raise self.refuse(f"a whole number from {at_least} to {at_most} is expected")
        return int(value)

    def number(self, low: float, high: float) -> float:
        """Return a number within bounds."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not low <= value <= high:
            raise self.refuse(f"a number from {low:g} to {high:g} is expected")
        return float(value)

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.refuse("true or false is expected")
        return self.value

    def scalar(self) -> Scalar:
        """Return a text, number or boolean."""
        value = self.value
        if isinstance(value, str):
            return self.text(empty=True)
        if isinstance(value, float):
            value = Decimal(repr(value))
        if isinstance(value, bool):
            return value
        if not isinstance(value, int | Decimal):
            raise self.refuse("a text, number or boolean is expected")
        if is_beyond(value):
            raise self.refuse(f"a number between -{LARGEST:.3g} and {LARGEST:.3g} is expected")
        return value

    def one_of(self, *words: str) -> str:
        """Return one of some words."""
        if not isinstance(self.value, str) or self.value not in words:
            raise self.refuse(f"one of {', '.join(words)} is expected")
        return self.value

    def span(self) -> Span:
        """Return a length of time such as "7 days"."""
        span = parse_span(self.value) if isinstance(self.value, str) else None
        if span is None:
            raise self.refuse('a length of time such as "7 days" is expected, at most 100 years')
        return span

    def length(self) -> Span:
        """Return a length of time longer than nothing."""
        span = self.span()
        if span == Span():
            raise self.refuse("a length of time longer than nothing is expected")
        return span

    def time(self) -> tuple[datetime, bool]:
        """Return an instant, and whether it is a local date or time without a zone."""
        found = parse_time(self.value) if isinstance(self.value, str) else None
        if found is None:
            raise self.refuse("a time in ISO 8601 between 1900 and 2299 is expected")
        return found
