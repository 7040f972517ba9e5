"""Facts -> view: a function of the *set* of facts, so order, duplicates, merges and splits cannot matter.

An unset removes what was said at or before its time (under `source_priority` only what an equal or weaker source
said). `$set_once` counts only where nothing was set. Equal times go to the stronger source, then the smaller bytes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from services.profile.domain.trait import LOWEST_RANK, Fact, RuleKind, TraitRule, View
from services.profile.domain.values import Json, accepts, canonical, parse_json

Ranks = Mapping[int, int]
"""source number -> rank; a smaller rank is a stronger source."""


def fold(facts: Iterable[Fact], rule: TraitRule, ranks: Ranks) -> View | None:
    """Return the view of one trait of one person, or None without facts."""
    unique = list({(fact.event_id, fact.subject_no): fact for fact in facts}.values())
    if not unique:
        return None
    unsets = [fact for fact in unique if fact.kind == "unset"]
    valued = [fact for fact in unique if fact.kind != "unset"]
    fitting = [fact for fact in valued if rule.type is None or accepts(rule.type, fact.type)]
    removed = _removal(unsets, rule, ranks)
    live = [fact for fact in fitting if not removed(fact)]
    latest = max(fact.event_time for fact in unique)
    chosen = [fact for fact in live if fact.kind == "set"]
    if chosen:
        winner, value = _FOLDS[rule.kind](_newest_first(chosen, rule, ranks), rule, ranks)
    elif live:
        winner = _oldest_first(live, rule, ranks)[0]
        value = winner.value
    else:
        return _absent(unique, unsets, valued, latest, rule, ranks)
    kept_type = "list" if rule.kind == "union" and chosen else winner.type
    fitting_type = rule.type or (winner.type if rule.kind != "union" else None)
    conflicts = sum(1 for fact in valued if fitting_type and not accepts(fitting_type, fact.type))
    return View(
        value=value,
        type=kept_type,
        personal=any(fact.personal for fact in unique),
        since=winner.event_time,
        source_id=winner.source_id,
        subject_no=winner.subject_no,
        event_id=winner.event_id,
        latest=latest,
        once=not chosen,
        conflicts=conflicts,
    )


def rank_of(source_id: int, rule: TraitRule, ranks: Ranks) -> int:
    """Return the strength of a source: its place in the rule, after those its rank in the workspace."""
    if source_id in rule.sources:
        return rule.sources.index(source_id) - len(rule.sources)
    return ranks.get(source_id, LOWEST_RANK)


def _absent(
    unique: list[Fact], unsets: list[Fact], valued: list[Fact], latest: datetime, rule: TraitRule, ranks: Ranks
) -> View:
    """Return the view of a trait that was unset, or of which only values of a wrong type are known."""
    last = _newest_first(unsets or valued, rule, ranks)[0]
    return View(
        value=None,
        type=rule.type or last.type,
        personal=any(fact.personal for fact in unique),
        since=last.event_time,
        source_id=last.source_id,
        subject_no=last.subject_no,
        event_id=last.event_id,
        latest=latest,
        conflicts=sum(1 for fact in valued if rule.type and not accepts(rule.type, fact.type)),
    )


def _removal(unsets: list[Fact], rule: TraitRule, ranks: Ranks) -> Callable[[Fact], bool]:
    if not unsets:
        return lambda _fact: False
    if rule.kind != "source_priority":
        until = max(fact.event_time for fact in unsets)
        return lambda fact: fact.event_time <= until
    words = [(rank_of(fact.source_id, rule, ranks), fact.event_time) for fact in unsets]
    return lambda fact: any(
        rank <= rank_of(fact.source_id, rule, ranks) and fact.event_time <= time for rank, time in words
    )


def _by_strength(facts: Iterable[Fact], rule: TraitRule, ranks: Ranks) -> list[Fact]:
    return sorted(
        facts, key=lambda fact: (rank_of(fact.source_id, rule, ranks), fact.value, fact.subject_no, fact.event_id.bytes)
    )


def _newest_first(facts: Iterable[Fact], rule: TraitRule, ranks: Ranks) -> list[Fact]:
    return sorted(_by_strength(facts, rule, ranks), key=lambda fact: fact.event_time, reverse=True)


def _oldest_first(facts: Iterable[Fact], rule: TraitRule, ranks: Ranks) -> list[Fact]:
    return sorted(_by_strength(facts, rule, ranks), key=lambda fact: fact.event_time)


def _start_of_run(newest_first: Sequence[Fact]) -> Fact:
    """Return the fact since which the newest value has been repeated without another between."""
    start = newest_first[0]
    for fact in newest_first:
        if fact.value != start.value:
            break
        start = fact
    return start


def _most_recent(facts: list[Fact], _rule: TraitRule, _ranks: Ranks) -> tuple[Fact, bytes]:
    start = _start_of_run(facts)
    return start, start.value


def _source_priority(facts: list[Fact], rule: TraitRule, ranks: Ranks) -> tuple[Fact, bytes]:
    best = min(rank_of(fact.source_id, rule, ranks) for fact in facts)
    return _most_recent([fact for fact in facts if rank_of(fact.source_id, rule, ranks) == best], rule, ranks)


def _most_frequent(facts: list[Fact], rule: TraitRule, ranks: Ranks) -> tuple[Fact, bytes]:
    counts = Counter(fact.value for fact in facts)
    most = max(counts.values())
    value = next(fact.value for fact in facts if counts[fact.value] == most)
    return _first([fact for fact in facts if fact.value == value], rule, ranks)


def _first(facts: list[Fact], rule: TraitRule, ranks: Ranks) -> tuple[Fact, bytes]:
    start = _oldest_first(facts, rule, ranks)[0]
    return start, start.value


def _max(facts: list[Fact], rule: TraitRule, ranks: Ranks) -> tuple[Fact, bytes]:
    greatest = max(map(_greatness, facts))
    return _first([fact for fact in facts if _greatness(fact) == greatest], rule, ranks)


def _union(facts: list[Fact], rule: TraitRule, ranks: Ranks) -> tuple[Fact, bytes]:
    """The list of all values ever said, by their bytes; it holds since the last one that was new."""
    origin: dict[bytes, tuple[Fact, Json]] = {}
    for fact in _oldest_first(facts, rule, ranks):
        value = parse_json(fact.value)
        for item in value if isinstance(value, list) else [value]:
            origin.setdefault(canonical(item), (fact, item))
    newest = _newest_first((fact for fact, _ in origin.values()), rule, ranks)[0]
    return newest, canonical([origin[key][1] for key in sorted(origin)])


# without a zone: the offset is taken off by hand
_EARLIEST = datetime(1, 1, 1)  # noqa: DTZ001 - the zone was just taken off
_LATEST = datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001 - the zone was just taken off
_GREATNESS = {"number": 6, "time": 5, "date": 4, "text": 3, "boolean": 2, "list": 1, "object": 0}


def _greatness(fact: Fact) -> tuple[int, Decimal, datetime, bytes]:
    """Order values of one type by their meaning; a number is greater than a time, than a date, than a text."""
    number, time, rest = Decimal(0), _EARLIEST, fact.value
    if fact.type in ("number", "time"):
        value, rest = parse_json(fact.value), b""
        if fact.type == "number":
            number = Decimal(str(value))
        else:
            instant = datetime.fromisoformat(str(value).upper().replace(" ", "T"))
            # Offsets cannot be compared through UTC at the ends of the calendar.
            time = instant.replace(tzinfo=None)
            offset = instant.utcoffset()
            if offset is not None:
                try:
                    time = time - offset
                except OverflowError:
                    time = _EARLIEST if offset.total_seconds() > 0 else _LATEST
    return _GREATNESS[fact.type], number, time, rest


_FOLDS: dict[RuleKind, Callable[[list[Fact], TraitRule, Ranks], tuple[Fact, bytes]]] = {
    "most_recent": _most_recent,
    "source_priority": _source_priority,
    "most_frequent": _most_frequent,
    "first": _first,
    "max": _max,
    "union": _union,
}
