"""Questions about events or traits of one name: an aggregate by (person, name), whichever names it is asked of.

Predicates on traits that differ in their values alone become one, mapped over the values.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

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

    def scope_of(self, numbered: Iterable[Numbered]) -> Scope:
        """Return the scope of those that some of the questions are asked about."""
        whom = BitMap.union(*(self.concerned[number] for number, _ in numbered))
        return replace(self.scope, persons=list(whom), stored_under=sorted({*whom, *self.past}))

    def stored_of(self, numbered: Iterable[Numbered]) -> list[int]:
        """Return the numbers under which the rows lie that some of the questions look at."""
        return list(BitMap.union(*(self.concerned[number] for number, _ in numbered)) | self.past)

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
            rows = _event_rows(asking, scope, list(part), places)
        else:
            rows = _trait_rows(asking, list(part))
        yield _Scan(rows, list(places), asked)


def _event_rows(asking: Asking, scope: Scope, numbered: Sequence[Numbered], holds: Iterable[str]) -> str:
    bind = asking.inquiry.bind
    person = present_person(bind, scope.workspace_id, scope.merged)
    having = f" having person in {bind.wholes(scope.persons or ())}" if scope.merged else ""
    where = event_rows(asking.inquiry, scope, [question for _, question in numbered])
    rows = few_events(bind, scope, asking.stored_of(numbered), where, looking_at(holds))
    return f"select {person} as person, name, {{columns}} from ({rows}) group by person, name{having}"


def _trait_rows(asking: Asking, numbered: Sequence[Numbered]) -> str:
    where = f"workspace_id = {asking.inquiry.bind.whole(asking.scope.workspace_id)} and {asking.rows_of(numbered)}"
    rows = " union all ".join(f"select * from {table} final where {where}" for table in ("trait", "personal_trait"))
    return f"select person_no as person, name, {{columns}} from ({rows})"


def _statement(bind: Binder, scan: _Scan) -> str:
    """Return the statement: a row for each person and name of which something holds, the answers as bits and lists."""
    single, alike = _alike(scan.holds)
    columns = [f"{scan.holds[place]} as q{place}" for place in single]
    columns += [f"{_lifted(bind, [scan.holds[place] for place in group])} as l{n}" for n, group in enumerate(alike)]
    words = [
        " + ".join(f"bitShiftLeft(toUInt64(q{place}), {bit})" for bit, place in enumerate(single[start : start + WORD]))
        for start in range(0, len(single), WORD)
    ]
    told = [f"{word} as w{n}" for n, word in enumerate(words)] + [f"l{n}" for n, _ in enumerate(alike)]
    some = [f"w{n} != 0" for n, _ in enumerate(words)] + [f"has(l{n}, 1)" for n, _ in enumerate(alike)]
    rows = scan.rows.replace("{columns}", ", ".join(columns))
    return f"select person, toString(name) as named, {', '.join(told)} from ({rows}) where {' or '.join(some)}"


def _alike(holds: Sequence[str]) -> tuple[list[int], list[list[int]]]:
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


def _lifted(bind: Binder, holds: Sequence[str]) -> str:
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
    single, alike = _alike(scan.holds)
    persons = table.column("person").to_numpy().astype(np.uint32, copy=False)
    names = table.column("named").combine_chunks().dictionary_encode()
    codes, known = names.indices.to_numpy(), {name: code for code, name in enumerate(names.dictionary.to_pylist())}
    bits: dict[int, NDArray[np.bool_]] = {}
    for position, place in enumerate(single):
        word = table.column(f"w{position // WORD}").to_numpy()
        bits[place] = ((word >> np.uint64(position % WORD)) & np.uint64(1)).astype(bool)
    for n, group in enumerate(alike):
        told = _square(table.column(f"l{n}"), len(group))
        bits |= {place: told[:, position] for position, place in enumerate(group)}
    of_name = {code: codes == code for code in known.values()}
    for number, (name, place) in scan.asked.items():
        if name in known:
            yield number, BitMap(persons[bits[place] & of_name[known[name]]])


def _square(column: ChunkedArray, width: int) -> NDArray[np.bool_]:
    flat: NDArray[np.uint8] = column.combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, width).astype(np.bool_)
