"""jsonb <-> Python values by msgspec, for Core and the raw driver alike."""

from typing import Any

import msgspec
from asyncpg import Connection, Record

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder()


class JsonText(str):
    """JSON that is already text: SQLAlchemy serialises before the driver sees the value."""

    __slots__ = ()


def serialize(value: Any) -> JsonText:
    """Return the JSON text of a value (SQLAlchemy's json_serializer)."""
    return JsonText(_encoder.encode(value).decode())


def _encode(value: Any) -> bytes:
    return value.encode() if isinstance(value, JsonText) else _encoder.encode(value)


async def install(driver: "Connection[Record]") -> None:
    """Set the codecs on a new connection; a bound value is a Python object, msgspec.Raw passes unparsed."""
    await driver.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + _encode(value),
        decoder=lambda data: _decoder.decode(data[1:]),
    )
    await driver.set_type_codec("json", schema="pg_catalog", format="binary", encoder=_encode, decoder=_decoder.decode)
