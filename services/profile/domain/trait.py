"""A fact about a trait, the rule that folds facts, and the view they fold to."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.profile.domain.values import Json, ValueType, canonical, clean_text, is_empty, type_of

FactKind = Literal["set", "set_once", "unset"]
RuleKind = Literal["most_recent", "source_priority", "most_frequent", "first", "max", "union"]

NAME_LENGTH = 200
"""A trait's name is at most this many characters; a longer one is not a trait."""
LOWEST_RANK = 1_000_000
"""Rank of a source nobody ranked; a smaller rank is a stronger source."""
_VERBS: dict[str, FactKind] = {"$set": "set", "$set_once": "set_once", "$unset": "unset"}


class Fact(msgspec.Struct, frozen=True):
    """What one source said of one trait at one time; `value` is canonical JSON, `null` for an unset."""

    event_id: UUID
    subject_no: int
    source_id: int
    event_time: datetime
    kind: FactKind
    type: ValueType
    value: bytes
    personal: bool = False


class Said(msgspec.Struct, frozen=True):
    """One trait of a call, before it belongs to anybody."""

    name: str
    kind: FactKind
    type: ValueType
    value: bytes
    personal: bool


class TraitRule(msgspec.Struct, frozen=True):
    """How the facts of a trait become one value; facts of a type that was not declared only count as conflicts."""

    kind: RuleKind = "most_recent"
    type: ValueType | None = None
    sources: tuple[int, ...] = ()


class View(msgspec.Struct, frozen=True):
    """What is known of a trait now: `value` is None after an unset; it holds since `since`, said by `source_id`.

    `latest` is the greatest event time behind it, `once` marks a `$set_once` value, `conflicts` counts the facts whose
    type does not fit.
    """

    value: bytes | None
    type: ValueType
    personal: bool
    since: datetime
    source_id: int
    subject_no: int
    event_id: UUID
    latest: datetime
    once: bool = False
    conflicts: int = 0


DEFAULT_RULE = TraitRule()


def read_traits(values: dict[str, Json], personal_names: frozenset[str]) -> list[Said]:
    """Return what an object of traits says; `$set`, `$set_once` (objects) and `$unset` (names) are verbs in it.

    `personal_names` are the names among them, at the top or below a verb, that hold personal data.
    """
    said: dict[str, Said] = {}
    for name, value in values.items():
        verb = _VERBS.get(name)
        if verb is None:
            _say(said, name, "set", value, personal_names)
        elif isinstance(value, dict):
            for inner, inner_value in value.items():
                _say(said, inner, verb, inner_value, personal_names)
        elif verb == "unset" and isinstance(value, list):
            for removed in value:
                if isinstance(removed, str):
                    _say(said, removed, "unset", None, personal_names)
    return list(said.values())


def _say(said: dict[str, Said], name: str, kind: FactKind, value: Json, personal_names: frozenset[str]) -> None:
    name = clean_text(name).strip()
    if not name or len(name) > NAME_LENGTH or name.startswith("$"):
        return
    personal = name in personal_names
    if kind == "unset":
        said[name] = Said(name, "unset", "text", b"null", personal)
    elif not is_empty(value):
        said[name] = Said(name, kind, type_of(value), canonical(value), personal)
