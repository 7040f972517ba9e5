"""Trait values: exact JSON, its canonical bytes, and the seven types."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias, cast

import msgspec

Json: TypeAlias = bool | int | Decimal | str | list["Json"] | dict[str, "Json"] | None
ValueType = Literal["text", "number", "boolean", "time", "date", "list", "object"]

NUMBER_DIGITS = 40
"""A number of more digits, or of a greater exponent, is kept as the text it came as."""
FIRST_YEAR, LAST_YEAR = 1900, 2200
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})")
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def parse_json(raw: bytes | str) -> Json:
    """Return a JSON text with exact numbers; raises ValueError when it is none or nests too deep."""
    try:
        return cast("Json", json.loads(raw, parse_float=_decimal, parse_int=_integer, parse_constant=_no_number))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def parse_object(raw: bytes | str) -> dict[str, Json]:
    """Return a JSON object with exact numbers; anything else is an empty one."""
    value = parse_json(raw)
    return value if isinstance(value, dict) else {}


def canonical(value: Json) -> bytes:
    """Return the one JSON text of a value: sorted keys, numbers without trailing zeros, only storable characters."""
    return _encoder.encode(_storable(value))


def is_empty(value: Json) -> bool:
    """Return whether a value says nothing, and so never overwrites."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def clean_text(text: str) -> str:
    """Return text without NUL and lone surrogates, which neither PostgreSQL nor UTF-8 can hold."""
    return _UNSTORABLE.sub("�", text)


def type_of(value: Json) -> ValueType:
    """Return the type of a value that is not null; a text that is wholly an ISO 8601 date or instant is one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    if isinstance(value, list):
        return "list"
    if isinstance(value, dict):
        return "object"
    return _type_of_text(value or "")


def accepts(declared: ValueType, actual: ValueType) -> bool:
    """Return whether a value of `actual` may stand where `declared` was promised: any date or time is a text too."""
    return declared == actual or (declared == "text" and actual in ("date", "time"))


def is_storable_instant(instant: datetime) -> bool:
    """Return whether an instant has a zone and lies in years that every zone and the database can express."""
    return instant.tzinfo is not None and FIRST_YEAR <= instant.year <= LAST_YEAR


def plain_number(number: Decimal) -> int | Decimal:
    """Return the number without trailing zeros, exactly; whole ones as integers."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return Decimal(text) if "." in text else int(text)


def _storable(value: Json) -> Json:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(name): _storable(item) for name, item in value.items()}
    return value


def _type_of_text(text: str) -> ValueType:
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return "date"
        if _TIME.fullmatch(text):
            datetime.fromisoformat(text.upper().replace(" ", "T"))
            return "time"
    except ValueError:
        return "text"
    return "text"


def _decimal(text: str) -> Decimal | str:
    number = Decimal(text)
    digits = len(number.as_tuple().digits)
    return number if digits <= NUMBER_DIGITS and abs(number.adjusted()) <= NUMBER_DIGITS else text


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= NUMBER_DIGITS else text


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
