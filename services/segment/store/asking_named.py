"""Questions about events or traits of one name: an aggregate by (person, name), whichever names it is asked of.

Predicates on traits that differ in their values alone become one, mapped over the values.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyarrow import ChunkedArray, Table
from pyroaring import BitMap

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Inquiry
from services.segment.store.asking_alike import ENOUGH_ALIKE, PLACE, shape_of, takes_rows
from services.segment.store.at_once import at_once
from services.segment.store.columnar import Columnar
from services.segment.store.few_events import few_events, looking_at
from services.segment.store.scans import Numbered, event_rows, present_person
from services.segment.store.scope import Scope
from services.segment.store.words import WORD


@dataclass(frozen=True)
class Asking:
    """What is asked in which scope, and of whom each question."""

    inquiry: Inquiry
    scope: Scope
    concerned: Sequence[BitMap]

    @property
    def past(self) -> BitMap:
        """Return the numbers that persons of the scope had once."""
        return BitMap(self.scope.stored_under) - BitMap(self.scope.persons or ())

    def whom(self, numbered: Iterable[Numbered]) -> BitMap:
        """Return those that some of the questions are asked about."""
        return BitMap.union(BitMap(), *(self.concerned[number] for number, _ in numbered))

    def scope_of(self, numbered: Iterable[Numbered]) -> Scope:
        """Return the scope of those that some of the questions are asked about."""
        whom = self.whom(numbered)
        return replace(self.scope, persons=list(whom), stored_under=sorted({*whom, *self.past}))

    def stored_of(self, numbered: Iterable[Numbered]) -> list[int]:
        """Return the numbers under which the rows lie that some of the questions look at."""
        return list(self.whom(numbered) | self.past)

    def rows_of(self, numbered: Iterable[Numbered]) -> str:
        """Return the predicate "a row of a name, of one of the persons asked about it"."""
        bind, whom = self.inquiry.bind, defaultdict[str, BitMap](BitMap)
        for number, asked in numbered:
            whom[asked.names[0]] |= self.concerned[number]
        source_past = self.past
        parts = [
            f"name = {bind.text(name)} and person_no in {bind.wholes(list(persons | source_past))}"
            for name, persons in sorted(whom.items())
            if persons
        ]
        return f"({' or '.join(parts)})" if parts else "false"


@dataclass(frozen=True)
class _Scan:
    """A select of rows by (person, name): expressions, and which question asks which of which name."""

    rows: str
    holds: Sequence[str]
    asked: Mapping[int, tuple[str, int]]


async def ask_named(
    columnar: Columnar, asking: Asking, named: Mapping[Numbered, str], scope: Scope
) -> Iterator[tuple[int, BitMap]]:
    """Return, per question with what it asks of rows of its name, which of the scope's persons it holds for.

    `scope` says where events are read.
    """

    async def found(scan: _Scan) -> Iterator[tuple[int, BitMap]]:
        sql = _statement(asking.inquiry.bind, scan)
        return _read(await columnar.ask(sql, asking.inquiry.bind.parameters, few_rows=True), scan)

    return chain(*await at_once(*(found(scan) for scan in _scans(asking, named, scope))))


def opens_properties(holds: str) -> bool:
    """Tell whether an expression looks at properties of events: their maps are dear to open."""
    return "property_" in holds


def _scans(asking: Asking, named: Mapping[Numbered, str], scope: Scope) -> Iterator[_Scan]:
    """Yield traits and events apart."""
    kinds: dict[str, dict[Numbered, str]] = defaultdict(dict)
    for numbered, holds in named.items():
        kinds[numbered[1].source][numbered] = holds
    for source, part in kinds.items():
        places: dict[str, int] = {}
        asked = {number: (one.names[0], places.setdefault(holds, len(places))) for (number, one), holds in part.items()}
        if source == "event":
            rows = rows_by_name(asking, scope, list(part), places, ["{columns}"])
        else:
            rows = _trait_rows(asking, list(part))
        yield _Scan(rows, list(places), asked)


def rows_by_name(
    asking: Asking, scope: Scope, numbered: Sequence[Numbered], looked: Iterable[str], columns: Sequence[str]
) -> str:
    """Return the select of a row for each person and name, with aggregates over expressions that were `looked` at."""
    bind = asking.inquiry.bind
    person = present_person(bind, scope.workspace_id, scope.merged)
    having = f" having person in {bind.wholes(scope.persons or ())}" if scope.merged else ""
    where = event_rows(asking.inquiry, scope, [question for _, question in numbered])
    rows = few_events(bind, scope, asking.stored_of(numbered), where, looking_at(looked))
    return f"select {person} as person, name, {', '.join(columns)} from ({rows}) group by person, name{having}"


def _trait_rows(asking: Asking, numbered: Sequence[Numbered]) -> str:
    where = f"workspace_id = {asking.inquiry.bind.whole(asking.scope.workspace_id)} and {asking.rows_of(numbered)}"
    rows = " union all ".join(f"select * from {table} final where {where}" for table in ("trait", "personal_trait"))
    return f"select person_no as person, name, {{columns}} from ({rows})"


def _statement(bind: Binder, scan: _Scan) -> str:
    """Return the statement: a row for each person and name of which something holds, the answers as bits and lists."""
    single, alike = alike_or_single(scan.holds)
    columns = [f"{scan.holds[place]} as q{place}" for place in single]
    columns += [f"{lifted(bind, [scan.holds[place] for place in group])} as l{n}" for n, group in enumerate(alike)]
    words = [
        " + ".join(f"bitShiftLeft(toUInt64(q{place}), {bit})" for bit, place in enumerate(single[start : start + WORD]))
        for start in range(0, len(single), WORD)
    ]
    told = [f"{word} as w{n}" for n, word in enumerate(words)] + [f"l{n}" for n, _ in enumerate(alike)]
    some = [f"w{n} != 0" for n, _ in enumerate(words)] + [f"has(l{n}, 1)" for n, _ in enumerate(alike)]
    rows = scan.rows.replace("{columns}", ", ".join(columns))
    return f"select person, toString(name) as named, {', '.join(told)} from ({rows}) where {' or '.join(some)}"


def alike_or_single(holds: Sequence[str]) -> tuple[list[int], list[list[int]]]:
    """Return the places of expressions that stand alone, and groups of those that differ in their values alone."""
    shapes: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(holds):
        shapes[shape_of(one)].append(place)
    single: list[int] = []
    alike: list[list[int]] = []
    for places in shapes.values():
        if len(places) >= ENOUGH_ALIKE and takes_rows(holds[places[0]]):
            alike.append(places)
        else:
            single += places
    return single, alike


def lifted(bind: Binder, holds: Sequence[str]) -> str:
    """Return one expression over expressions of the same shape: the list of their answers."""
    given = [PLACE.findall(one) for one in holds]
    parts = iter(list(zip(*given, strict=True)))
    varying: dict[tuple[str, ...], str] = {}

    def value(found: re.Match[str]) -> str:
        values = next(parts)
        if len(set(values)) == 1:
            return str(found[0])
        return varying.setdefault(values, f"each{len(varying)}")

    body = PLACE.sub(value, holds[0])
    lists = ", ".join(bind.alike(values) for values in varying)
    return f"arrayMap(({', '.join(varying.values())}) -> toUInt8({body}), {lists})"


def _read(table: Table, scan: _Scan) -> Iterator[tuple[int, BitMap]]:
    """Yield the questions with the persons each holds for."""
    if not table.num_rows:
        return
    single, alike = alike_or_single(scan.holds)
    named = by_name(table)
    bits: dict[int, NDArray[np.bool_]] = {}
    for position, place in enumerate(single):
        word = table.column(f"w{position // WORD}").to_numpy()
        bits[place] = ((word >> np.uint64(position % WORD)) & np.uint64(1)).astype(bool)
    for n, group in enumerate(alike):
        told = square(table.column(f"l{n}"), len(group)).astype(np.bool_)
        bits |= {place: told[:, position] for position, place in enumerate(group)}
    for number, (name, place) in scan.asked.items():
        if name in named:
            persons, here = named[name]
            yield number, BitMap(persons[bits[place][here]])


def by_name(table: Table) -> dict[str, tuple[NDArray[np.uint32], NDArray[np.intp]]]:
    """Return, per name of an answer's rows, the persons and the places of its rows."""
    if not table.num_rows:
        return {}
    persons = table.column("person").to_numpy().astype(np.uint32, copy=False)
    names = table.column("named").combine_chunks().dictionary_encode()
    codes, told = names.indices.to_numpy(), names.dictionary.to_pylist()
    here = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    return {name: (persons[places], places) for name, places in zip(told, here, strict=True)}


def square(column: ChunkedArray, width: int) -> NDArray[Any]:
    """Return a column of lists of one length as rows of an array."""
    flat: NDArray[Any] = column.combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, width)
