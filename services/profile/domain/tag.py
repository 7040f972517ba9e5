"""Tags: what is said of them through identifiers, and what a person has of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from services.profile.domain.values import Json

TagKind = Literal["manual", "rule", "event"]
Refresh = Literal["streaming", "daily"]
Word = Literal["assign", "remove"]
Source = Literal["manual", "event", "rule"]
FilterOp = Literal["equals", "in", "exists", "starts_with"]
NAME_LENGTH = 100


class PropertyFilter(msgspec.Struct, frozen=True):
    """A plain property of an event, and what it has to be."""

    prop: str
    op: FilterOp = "equals"
    value: Any = None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of the catalogue; `rule` is a condition in the language of segments, as text."""

    tag: str
    group: str
    owner: str
    description: str
    kind: TagKind
    refresh: Refresh
    ttl_seconds: int | None
    event: str = ""
    filters: tuple[PropertyFilter, ...] = ()
    rule: str = ""
    version: int = 1

    def expires(self, at: datetime) -> datetime | None:
        """Return until when it is had by who got it at an instant."""
        return at + timedelta(seconds=self.ttl_seconds) if self.ttl_seconds is not None else None

    def is_told_by(self, name: str, properties: Mapping[str, Json]) -> bool:
        """Return whether an event of this name with these properties gives the tag."""
        return self.kind == "event" and name == self.event and all(_passes(one, properties) for one in self.filters)


class TagFact(NamedTuple):
    """One word about a tag through an identifier."""

    subject_no: int
    tag: str
    fact_id: UUID
    word: Word
    source: Source
    rule_version: int
    at: datetime
    received_at: datetime
    expires_at: datetime | None


class Held(NamedTuple):
    """A tag as a person has it: by what, since when, computed when by which version, until when."""

    source: Source
    since: datetime
    rule_version: int
    computed_at: datetime
    expires_at: datetime | None

    def is_over(self, now: datetime) -> bool:
        """Return whether its time to live has passed."""
        return self.expires_at is not None and self.expires_at <= now


def fold(facts: Iterable[TagFact]) -> Held | None:
    """Return the tag as its facts leave it: the last word counts, a removal before an assignment of the same instant.

    A function of the set: order and repetition do not matter, and neither does the clock.
    """
    last = max(facts, key=lambda fact: (fact.at, fact.word, fact.fact_id.bytes), default=None)
    if last is None or last.word == "remove":
        return None
    return Held(last.source, last.at, last.rule_version, last.received_at, last.expires_at)


def tags_named(rule: Json) -> Iterator[str]:
    """Yield the tags that a condition asks about."""
    if isinstance(rule, dict):
        named = rule.get("tag")
        if isinstance(named, str):
            yield named
        for inner in rule.values():
            yield from tags_named(inner)
    elif isinstance(rule, list):
        for inner in rule:
            yield from tags_named(inner)


def _passes(asked: PropertyFilter, properties: Mapping[str, Json]) -> bool:
    value = properties.get(asked.prop)
    if value in (None, ""):
        return False
    match asked.op:
        case "exists":
            return True
        case "equals":
            return _same(value, asked.value)
        case "in":
            return isinstance(asked.value, list) and any(_same(value, one) for one in asked.value)
        case "starts_with":
            return isinstance(value, str) and isinstance(asked.value, str) and value.startswith(asked.value)


def _same(value: Json, wanted: object) -> bool:
    """A number and a text are two things here, and so are a number and a boolean."""
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted
