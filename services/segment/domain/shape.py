"""How a piece of the language looks, as JSON Schema (draft 2020-12): each plug-in says it of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.segment.domain.moment import PERIODS
from services.segment.domain.values import DEEPEST_PATH

Schema = dict[str, object]


def named(name: str) -> Schema:
    """Return a reference to a shared part."""
    return {"$ref": f"#/$defs/{name}"}


TEXT, PATH, SPAN, TIME = named("text"), named("path"), named("span"), named("time")
FLAG: Schema = {"type": "boolean"}
ABSENT: Schema = {"not": {}}
"""Whatever stands there is wrong."""
SCALAR, ORDERABLE, COUNT, WINDOW, FILTERS = (
    named(name) for name in ("scalar", "orderable", "count", "window", "filters")
)
PERIOD: Schema = {"enum": list(PERIODS)}
PLACE = named("place")
ZONE: Schema = {"description": "whose calendar and clock: absent is the workspace's", "enum": ["workspace", "person"]}
UUID_TEXT: Schema = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
}
MOST_IN_A_LIST = 1_000


def whole(low: int = 0, high: int = 2**31 - 1) -> Schema:
    """Return a whole number within bounds."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """Return a number within bounds."""
    return {"type": "number", "minimum": low, "maximum": high}


def listed(item: Schema, low: int = 1, high: int = MOST_IN_A_LIST) -> Schema:
    """Return a list of so many."""
    return {"type": "array", "items": item, "minItems": low, "maxItems": high}


def words(*given: str) -> Schema:
    """Return one of some words."""
    return {"enum": list(given)}


def either(*given: Schema) -> Schema:
    """Return any of several."""
    return {"anyOf": list(given)}


TEXTS = either(TEXT, listed(TEXT))
"""One text, or several of which one must fit."""


@dataclass(frozen=True)
class Shape:
    """An object: what it needs and may have, and nothing else. `ops` are the operators that look so.

    With `test` a value operator of traits belongs to it.
    """

    needs: Mapping[str, Schema] = field(default_factory=dict)
    may: Mapping[str, Schema] = field(default_factory=dict)
    ops: tuple[str, ...] = ()
    test: bool = False

    def schema(self, beside: Mapping[str, Schema] | None = None) -> Schema:
        """Return its schema; `beside` are needed members of what it is put into."""
        needs = {**(beside or {}), **({"op": words(*self.ops)} if self.ops else {}), **self.needs}
        said: Schema = {"type": "object", "properties": {**needs, **self.may}, "required": list(needs)}
        if self.test:
            return {**said, **named("test"), "unevaluatedProperties": False}
        return {**said, "additionalProperties": False}


@dataclass(frozen=True)
class Example:
    """A piece of the language that is valid, and what it says."""

    says: str
    body: Mapping[str, object]


SPAN_PATTERN = (
    r"^(\s*[0-9]{1,9}\s*([Ss][Ee][Cc][Oo][Nn][Dd]|[Mm][Ii][Nn][Uu][Tt][Ee]|[Hh][Oo][Uu][Rr]|[Dd][Aa][Yy]|[Ww][Ee][Ee][Kk]"
    r"|[Mm][Oo][Nn][Tt][Hh]|[Qq][Uu][Aa][Rr][Tt][Ee][Rr]|[Yy][Ee][Aa][Rr])[Ss]?\s*"
    r"|P(?=[0-9]|T[0-9])([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$"
)
TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?\s?(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)

_ENDS = {"from": TIME, "to": TIME}
_AGO = {"from_ago": SPAN, "to_ago": SPAN}
_SINCE: Schema = either(
    TEXT, {"type": "object", "properties": {"event": TEXT, "where": FILTERS}, "required": ["event"],
           "additionalProperties": False}
)  # fmt: skip
_SOME_COUNT: Schema = {
    "oneOf": [
        Shape({"n": whole()}, ops=("equals", "gte", "gt", "lte")).schema(),
        Shape({"n": whole(1)}, ops=("lt",)).schema(),
        Shape({"n": listed(whole(), 2, 2)}, ops=("between",)).schema(),
    ]
}


def _windows(more: Mapping[str, Schema]) -> list[Schema]:
    shapes = (
        Shape({"last": SPAN}, more),
        Shape({"to_ago": SPAN}, {**_AGO, **more}),
        Shape({"from": TIME}, {**_ENDS, **more}),
        Shape({"to": TIME}, {**_ENDS, **more}),
        Shape({"period": PERIOD}, {"offset": whole(-400, 0), **more}),
    )
    return [shape.schema() for shape in shapes]


SHARED: dict[str, Schema] = {
    "text": {"type": "string", "minLength": 1, "maxLength": 10_000},
    "path": {
        "description": "a literal name, or a list of names that walks into objects",
        **either(TEXT, listed(TEXT, 1, DEEPEST_PATH)),
    },
    "span": {
        "description": 'a length of time: "90 seconds" .. "2 years", or ISO 8601 such as "P7D"; at most 100 years',
        "type": "string",
        "pattern": SPAN_PATTERN,
    },
    "time": {
        "description": "ISO 8601; without a zone it is the workspace's time, or the person's where `zone` says so",
        "type": "string",
        "pattern": TIME_PATTERN,
    },
    "scalar": {"type": ["string", "number", "boolean"], "maxLength": 10_000},
    "orderable": {"type": ["string", "number"], "maxLength": 10_000},
    "place": Shape({"lat": number(-90, 90), "lon": number(-180, 180)}).schema(),
    "count": {"description": "absent: at least once", **_SOME_COUNT},
    "window": {"description": "absent: ever", "anyOf": _windows({})},
    "window_since": {
        "description": "a window, or what came after another event",
        "anyOf": [*_windows({"since": _SINCE}), Shape({"since": _SINCE}).schema()],
    },
    "filters": listed(named("filter"), 0, 50),
}
