"""How the columns of a file become calls."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from services.identity.domain.calls import Refusal, escaped
from services.identity.domain.timestamps import read_time

Row = Mapping[str, Any]
Kind = Literal["text", "number", "integer", "boolean", "time", "json", "as_is"]
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_encoder = msgspec.json.Encoder(decimal_format="number")


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where one field comes from: a column, a template over columns (`{a}-{b}`) or a constant; and what it is.

    `zone` is the time zone of times without one, `pattern` their strptime form. A blank cell gives no field.
    """

    column: str | None = None
    template: str | None = None
    constant: Any = None
    kind: Kind = msgspec.field(default="as_is", name="as")
    zone: str | None = None
    pattern: str | None = None


class ExternalId(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An identifier of a declared namespace; `collection` is its scope (an appid, an issuer)."""

    type: str
    id: Value
    collection: str | None = None
    encoding: str = "none"


class ImportMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """How a row becomes a call. Without any mapping a row is a call as it stands.

    `personless` admits rows that name nobody: kept and counted, never in segments or journeys. `rest` puts the columns
    not named elsewhere among the properties (or, for an identify, the traits).
    """

    type: Value | None = None
    event: Value | None = None
    user_id: Value | None = None
    anonymous_id: Value | None = None
    group_id: Value | None = None
    previous_id: Value | None = None
    timestamp: Value | None = None
    message_id: Value | None = None
    external_ids: tuple[ExternalId, ...] = ()
    properties: dict[str, Value] = {}
    traits: dict[str, Value] = {}
    context: dict[str, Value] = {}
    personless: bool = False
    rest: bool = False

    def columns(self) -> set[str]:
        """Return the columns the mapping names."""
        values = [*(getattr(self, name) for name in _FIELDS), *(external.id for external in self.external_ids)]
        values += [*self.properties.values(), *self.traits.values(), *self.context.values()]
        return {value.column for value in values if value is not None and value.column is not None}

    @property
    def is_whole(self) -> bool:
        """Whether rows are calls already."""
        return not self.columns() and self.type is None and self.event is None and not self.rest


_FIELDS = {
    "type": "type", "event": "event", "user_id": "userId", "anonymous_id": "anonymousId", "group_id": "groupId",
    "previous_id": "previousId", "timestamp": "timestamp", "message_id": "messageId",
}  # fmt: skip
_PLACE = re.compile(r"\{([^{}]+)\}")
_PARTS = ("properties", "traits", "context")


class BadCell(Exception):
    """A cell is not what the mapping says it is."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def map_row(row: Row, mapping: ImportMapping) -> bytes | Refusal:
    """Return the JSON of the call in a row, numbers exactly as they were written; or why there is none."""
    try:
        return _encoder.encode(dict(row) if mapping.is_whole else _call(row, mapping))
    except BadCell as bad:
        return bad.refusal
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError) as error:
        return Refusal("not_text", "", f"the row cannot be written as JSON: {error}")


def _call(row: Row, mapping: ImportMapping) -> dict[str, Any]:
    call: dict[str, Any] = {}
    for field, name in _FIELDS.items():
        value = getattr(mapping, field)
        if field == "timestamp" and value is not None:
            value = msgspec.structs.replace(value, kind="time")
        found = _read(row, value) if value is not None else None
        if found is not None:
            call[name] = found
    call.setdefault("type", "track" if "event" in call else "identify")
    for part in _PARTS:
        found_part = {
            name: found for name, value in getattr(mapping, part).items() if (found := _read(row, value)) is not None
        }
        if found_part:
            call[part] = found_part
    external = [
        {"type": each.type, "id": found, "collection": each.collection or "", "encoding": each.encoding}
        for each in mapping.external_ids
        if (found := _read(row, each.id)) is not None
    ]
    if external:
        call["context"] = {**call.get("context", {}), "externalIds": external}
    if mapping.rest:
        part = "traits" if call["type"] == "identify" else "properties"
        others = {name: cell for name, cell in row.items() if name not in mapping.columns() and not _blank(cell)}
        call[part] = {**others, **call.get(part, {})}
    return call


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _read(row: Row, value: Value) -> Any:
    if value.template is not None:
        cell: Any = _PLACE.sub(lambda place: _cell_text(row, place[1]), value.template)
    elif value.column is not None:
        if value.column not in row:
            raise BadCell(Refusal("no_such_column", f"/{escaped(value.column)}", f"there is no column {value.column}"))
        cell = row[value.column]
    else:
        return value.constant
    if _blank(cell):
        return None
    try:
        return _converted(cell, value)
    except (ValueError, InvalidOperation, OverflowError, msgspec.DecodeError, re.error) as error:
        detail = f"{value.column or value.template}: this is no {value.kind}"
        raise BadCell(Refusal(f"not_a_{value.kind}", f"/{escaped(value.column or '')}", detail)) from error


def _cell_text(row: Row, column: str) -> str:
    if column not in row:
        raise BadCell(Refusal("no_such_column", f"/{escaped(column)}", f"there is no column {column}"))
    cell = row[column]
    return "" if cell is None else str(cell)


def _converted(cell: Any, value: Value) -> Any:
    kind = value.kind
    if kind == "time":
        return _time(cell, value).isoformat()
    if kind in {"number", "integer"}:
        number = _number(cell)
        return int(number) if kind == "integer" else number
    if kind == "boolean":
        return _boolean(cell)
    if kind == "json":
        return msgspec.json.decode(cell) if isinstance(cell, (str, bytes)) else cell
    if kind == "text":
        return str(cell).strip()
    return cell.isoformat() if isinstance(cell, datetime) else cell


def _number(cell: Any) -> Decimal:
    number = Decimal(str(cell).strip())
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise ValueError("not a finite number")
    return number


def _boolean(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _time(cell: Any, value: Value) -> datetime:
    if isinstance(cell, datetime):
        moment: datetime | None = cell
    elif value.pattern is not None:
        moment = datetime.strptime(str(cell).strip(), value.pattern)  # noqa: DTZ007 - the zone follows below
    else:
        text = str(cell).strip()
        moment = _naive(text) or read_time(cell if not isinstance(cell, str) else text)
    if moment is None:
        raise ValueError("not a time")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_of(value.zone))
    return moment.astimezone(UTC)


def _naive(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def zone_of(name: str | None) -> ZoneInfo:
    """Return a time zone by its name, UTC for none; ValueError for an unknown one."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name}") from error
