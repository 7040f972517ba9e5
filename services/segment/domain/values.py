"""How a JSON value is laid down in columns: by what it is, and by what it may be compared as."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from enum import IntFlag
from typing import cast

import msgspec

Scalar = str | int | Decimal | bool

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAME_STEP = "\x1f"
GROUP_EVENT = "$group"
ACCOUNT_PROPERTY = "\x00account"
"""Where a group call's row says which account it links its person to; no property can have such a name."""
FIRST_KNOWN = "\x00first known"
"""The row that says since when a person is known; no trait can have such a name, as PostgreSQL has no such text."""
DEEPEST_PATH = 8
DECIMAL_PLACES = 10
_NUMERIC = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_BEGINS = frozenset("0123456789+-.")
"""What numbers and times begin with."""
BEYOND_EXACT = Decimal(10) ** 28
FLOATS_TELL_APART = Decimal(2) ** 19
"""Floats below lie closer together than decimals of ten places do: such decimals, against whatever other, stand as
their floats stand (rounding keeps the order, and no two round to one)."""
_PLACES = Decimal(1).scaleb(-DECIMAL_PLACES)
_WIDE = Context(prec=60)


class Facet(IntFlag):
    """What a stored value is (the first five), and what else it can be read as."""

    TEXT = 1
    NUMBER = 2
    BOOLEAN = 4
    LIST = 8
    OBJECT = 16
    EXACT = 32
    NUMERIC = 64
    TIME = 128
    LOCAL = 256


# as plain numbers: an operation on flags costs ten on numbers, and there are some for each property of each event
_TEXT, _NUMBER = int(Facet.TEXT), int(Facet.NUMBER)
_TEXT_TIME, _TEXT_LOCAL = int(Facet.TEXT | Facet.TIME), int(Facet.TEXT | Facet.TIME | Facet.LOCAL)
_NUMERIC_ONLY, _NUMERIC_EXACT = int(Facet.NUMERIC), int(Facet.NUMERIC | Facet.EXACT)


class StoredValue(msgspec.Struct, frozen=True, gc=False):
    """One value as columns; `facets` 0 means missing.

    `decimal` is the number when EXACT, the nearest one when NUMERIC and below 10^28; `number` holds when NUMERIC,
    `time` when TIME (the wall time when LOCAL), `items` for lists: tokens `t:` text, `f:` folded text, `n:` number,
    `m:` number written as text, `b:` boolean.
    """

    facets: int = 0
    text: str = ""
    folded: str = ""
    decimal: Decimal = Decimal(0)
    number: float = 0.0
    time: datetime = EPOCH
    items: tuple[str, ...] = ()


MISSING = StoredValue()
_AN_OBJECT = StoredValue(int(Facet.OBJECT))


def exact(number: int | Decimal) -> Decimal | None:
    """Return the number as Decimal(38, 10) if it loses nothing, else None."""
    value = Decimal(number)
    if abs(value) >= BEYOND_EXACT:
        return None
    if isinstance(number, int):
        return value
    _, digits, exponent = value.as_tuple()
    if int(exponent) >= -DECIMAL_PLACES:
        return value
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return value if not value or int(exponent) + trailing >= -DECIMAL_PLACES else None


def nearest(number: int | Decimal) -> Decimal:
    """Return the nearest number of ten decimals, half to even; 0 from 10^28 on."""
    value = Decimal(number)
    return value.quantize(_PLACES, context=_WIDE) if abs(value) < BEYOND_EXACT else Decimal(0)


def numeric_text(text: str) -> Decimal | None:
    """Return the number a text spells, or None."""
    if len(text) > 64 or not _NUMERIC.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def parse_time(text: str) -> tuple[datetime, bool] | None:
    """Return the instant an ISO 8601 text says, or its wall time as UTC and True where it names no zone."""
    found = _TIME.fullmatch(text) if len(text) <= 40 else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        wall = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), microsecond, tzinfo=UTC
        )
        if zone and zone not in "Zz":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            wall = wall + offset if zone[0] == "-" else wall - offset
    except (ValueError, OverflowError):
        return None
    if not 1900 <= wall.year <= 2299:
        return None
    return wall, not zone


def canonical_number(number: int | Decimal) -> str:
    """Return one spelling for equal numbers."""
    value = Decimal(number)
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    shift = int(exponent) + len(digits) - len(text)
    return f"{'-' if sign else ''}{text}e{shift}"


def tokens_of(value: object) -> Iterator[str]:
    """Yield what a list element can be found under."""
    match value:
        case bool():
            yield "b:true" if value else "b:false"
        case int() | Decimal():
            yield "n:" + canonical_number(value)
        case str():
            yield "t:" + value
            yield "f:" + value.casefold()
            number = numeric_text(value)
            if number is not None:
                yield "m:" + canonical_number(number)


def _of_number(value: int | Decimal, text: str, kind: int) -> StoredValue:
    decimal = exact(value)
    folded = text.casefold()
    if decimal is None:
        # of an integer no float can hold a decimal makes infinity, as rows take it; the integer itself would be refused
        return StoredValue(kind | _NUMERIC_ONLY, text, folded, nearest(value), float(Decimal(value)))
    return StoredValue(kind | _NUMERIC_EXACT, text, folded, decimal, float(value))


def _of_text(text: str) -> StoredValue:
    if not text:
        return MISSING
    if text[0] not in _BEGINS:
        return StoredValue(_TEXT, text, text.casefold())
    number = numeric_text(text)
    if number is not None:
        return _of_number(number, text, _TEXT)
    time = parse_time(text)
    if time is None:
        return StoredValue(_TEXT, text, text.casefold())
    return StoredValue(_TEXT_LOCAL if time[1] else _TEXT_TIME, text, text.casefold(), time=time[0])


def stored(value: object) -> StoredValue:
    """Lay down a decoded JSON value (floats decoded as Decimal); null and empty text are missing."""
    match value:
        case bool():
            text = "true" if value else "false"
            return StoredValue(int(Facet.BOOLEAN), text, text)
        case float():
            return stored(Decimal(repr(value)))
        case int() | Decimal():
            return _of_number(value, str(value), _NUMBER)
        case str():
            return _of_text(value)
        case list():
            tokens = tuple(dict.fromkeys(token for item in value for token in tokens_of(item)))
            return StoredValue(int(Facet.LIST), items=tokens)
        case Mapping():
            return _AN_OBJECT
    return MISSING


def name_key(path: tuple[str, ...]) -> str:
    """Return the column key of a path: names are literal, so the step between them is escaped inside names."""
    if len(path) == 1 and path[0].isprintable():
        return path[0]
    return NAME_STEP.join(name.replace("\x1e", "\x1ee").replace(NAME_STEP, "\x1es") for name in path)


def leaves(value: Mapping[str, object], path: tuple[str, ...] = ()) -> Iterator[tuple[str, StoredValue]]:
    """Yield every value below an object under the key of its path."""
    for name, inner in value.items():
        here = (*path, name)
        laid = stored(inner)
        if laid.facets:
            yield name_key(here), laid
        if laid is _AN_OBJECT and len(here) < DEEPEST_PATH:
            yield from leaves(cast("Mapping[str, object]", inner), here)
