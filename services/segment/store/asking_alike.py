"""Questions that look at several names and differ in their values alone: one aggregate by person and question.

Each event is read once for every question that looks at its name; the values of a question are taken from lists by
its place, so that twenty sequences are one expression to the engine.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from pyroaring import BitMap

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Inquiry, Question
from services.segment.store.columnar import Columnar
from services.segment.store.few_events import few_events, looking_at
from services.segment.store.scans import Numbered, event_rows, present_person
from services.segment.store.scope import Scope

ENOUGH_ALIKE = 4
PLACE = re.compile(r"\{p\d+:[^}]+\}")
CALLED = re.compile(r"(\w+)\(")
# what takes a value of each row as well as a constant; others (a pattern, a zone, a polygon) must be constants
LIFTABLE = frozenset(
    [
        "and",
        "arrayExists",
        "bitAnd",
        "endsWith",
        "fromUnixTimestamp64Micro",
        "has",
        "hasAll",
        "hasAny",
        "if",
        "not",
        "or",
        "position",
        "startsWith",
        "toDecimal128",
    ]
)
_OF_SEVERAL = LIFTABLE | frozenset(
    [
        "UUIDToNum",
        "arrayFold",
        "arraySort",
        "bitOr",
        "bitShiftLeft",
        "bitTest",
        "concat",
        "groupArrayIf",
        "toInt64",
        "toString",
        "toUInt16",
        "toUnixTimestamp64Micro",
        "tupleElement",
    ]
)


def shape_of(holds: str) -> str:
    """Return an expression without its values."""
    return PLACE.sub(lambda found: found[0].split(":", 1)[1], holds)


def takes_rows(holds: str, allowed: frozenset[str] = LIFTABLE) -> bool:
    """Tell whether every function an expression calls takes values that differ from row to row."""
    return set(CALLED.findall(PLACE.sub("", holds))) <= allowed


def several_alike(numbered: Sequence[Numbered]) -> tuple[list[list[Numbered]], list[Numbered]]:
    """Return groups of questions about several names that are asked as one each, and the other questions."""
    shapes: dict[str, list[Numbered]] = defaultdict(list)
    others: list[Numbered] = []
    for number, asked in numbered:
        if asked.source == "event" and asked.names and asked.prefix is None and not asked.by_row:
            shapes[shape_of(asked.holds)].append((number, asked))
        else:
            others.append((number, asked))
    groups = []
    for alike in shapes.values():
        if len(alike) >= ENOUGH_ALIKE and takes_rows(alike[0][1].holds, _OF_SEVERAL):
            groups.append(alike)
        else:
            others += alike
    return groups, sorted(others, key=lambda one: one[0])


async def ask_alike(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, alike: Sequence[Numbered]
) -> Iterator[tuple[int, BitMap]]:
    """Return, per question of a group, which of the scope's persons it holds for."""
    if not scope.persons:
        return iter(())
    sql = _statement(inquiry, scope, [asked for _, asked in alike])
    table = await columnar.ask(sql, inquiry.bind.parameters, few_rows=True)
    if not table.num_rows:
        return iter(())
    persons = table.column("person").to_numpy().astype(np.uint32, copy=False)
    places = table.column("place").to_numpy()
    return ((number, BitMap(persons[places == place])) for place, (number, _) in enumerate(alike, start=1))


def _statement(inquiry: Inquiry, scope: Scope, alike: Sequence[Question]) -> str:
    """Return the statement: a row for each person and place of a question that holds for him."""
    bind = inquiry.bind
    looking: dict[str, list[int]] = defaultdict(list)
    for place, asked in enumerate(alike, start=1):
        for name in asked.names:
            looking[name].append(place)
    names = bind.texts(list(looking))
    person = present_person(bind, scope.workspace_id, scope.merged)
    having = f" and person in {bind.wholes(scope.persons or ())}" if scope.merged else ""
    holds = _by_place(bind, [asked.holds for asked in alike])
    rows = few_events(bind, scope, scope.stored_under, event_rows(inquiry, scope, alike), looking_at([holds]))
    # not under the column's own name: it would be put in its place inside the aggregates
    return (
        f"select person, place from (select {person} as person, place, {holds} as held from ({rows})"
        f" array join {bind.lists(list(looking.values()))}[indexOf({names}, toString(name))] as place"
        f" group by person, place) where held{having}"
    )


def _by_place(bind: Binder, holds: Sequence[str]) -> str:
    """Return one expression of the same shape, that takes the values of the question at `place`."""
    parts = iter(list(zip(*(PLACE.findall(one) for one in holds), strict=True)))

    def value(found: re.Match[str]) -> str:
        values = next(parts)
        return str(found[0]) if len(set(values)) == 1 else f"{bind.alike(values)}[place]"

    return PLACE.sub(value, holds[0])
