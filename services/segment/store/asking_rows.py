"""Everybody, asked of the engine in this process: rows are handed over, and added up here.

The engine's table of groups has a place to be found for each row, and its groups come in no order; a person's number is
a place in an array by itself. So a question that comes down to a total, or that one row answers, is not grouped there.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry, Question
from services.segment.domain.narrowing import Beside, matters_to
from services.segment.domain.values import DECIMAL_PLACES
from services.segment.store.at_once import at_once
from services.segment.store.bitmaps import bitmap_of
from services.segment.store.columnar import Columnar, DoesNotFit
from services.segment.store.scans import Numbered, odd_events, rows_of, scans
from services.segment.store.scope import Scope
from services.segment.store.totals import TooLarge, Totals
from services.segment.store.words import WORD, answer_rows, bit_rows, by_scan, place_of, read_words

MOST_ROWS = 32_000_000
"""So many rows are handed over at once, of 14 bytes at the most; of fewer where more answers lie beside each."""
MOST_NAMED = 500_000
"""So many persons are named at the most where answers matter for some alone; each costs the engine about 100 ns."""


_Scans = Sequence[Sequence[Numbered]]
_Found = Iterator[tuple[int, BitMap]]
_Spelling = Callable[[Inquiry, Sequence[Scope], _Scans], Iterator[str]]
_Reading = Callable[[pa.Table, Sequence[Numbered]], _Found]


async def ask_for_rows(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, beside: Mapping[int, Beside]
) -> list[BitMap]:
    """Return, per question about everybody, whom it holds for; DoesNotFit where that is too much to be handed over.

    Counts of events come first where they stand beside what costs more: that is asked of those alone whom they hold
    for, if they are few (`beside`: domain/narrowing.py).
    """
    numbered = list(enumerate(inquiry.questions))
    first = _decisive(inquiry.questions, beside)
    rows = _Rows(columnar, inquiry, scope, beside)
    await rows.ask([one for one in numbered if one[0] in first])
    await rows.ask([one for one in numbered if one[0] not in first])
    return [rows.answers[number] for number, _ in numbered]


def _decisive(questions: Sequence[Question], beside: Mapping[int, Beside]) -> set[int]:
    """Return the counts of events that stand beside something dearer."""
    cheap = {number for number, asked in enumerate(questions) if asked.source == "event" and _is_counted(asked)}
    return cheap & set().union(*(others for number, others in beside.items() if number not in cheap))


def _is_counted(asked: Question) -> bool:
    return asked.by_row or (asked.total is not None and not asked.total.of)


class _Rows:
    """What was asked of an inquiry so far; what is answered narrows what is asked next."""

    def __init__(self, columnar: Columnar, inquiry: Inquiry, scope: Scope, beside: Mapping[int, Beside]) -> None:
        self._columnar = columnar
        self._inquiry = inquiry
        self._scope = scope
        self._beside = beside
        self._known: Mapping[int, BitMap] = {}
        self.answers: dict[int, BitMap] = {}

    async def ask(self, numbered: Sequence[Numbered]) -> None:
        self._known = dict(self.answers)
        counted = [one for one in numbered if _is_counted(one[1])]
        others = [one for one in numbered if not _is_counted(one[1])]
        odd = await _odd(self._columnar, self._inquiry, self._scope, others)
        summed = [(number, asked) for number, asked in others if asked.total and number not in odd]
        rest = [(number, asked) for number, asked in others if not asked.total or number in odd]
        # The engine is at the next statement while the rows of one are added up: sums come first, as there is most to
        # be done about them afterwards.
        await at_once(
            self._put(_of_one_value(summed), _summed, _read_summed),
            self._put(scans(self._scope, rest), _grouped, _read_grouped),
            self._put(scans(self._scope, counted), _counted, _read_counted),
        )

    async def _put(self, scanned: Iterable[list[Numbered]], spell: _Spelling, read: _Reading) -> None:
        numbered: list[list[Numbered]] = []
        scopes: list[Scope] = []
        for asked in scanned:
            matters = matters_to([number for number, _ in asked], self._beside, self._known)
            if matters is not None and not matters:
                self.answers |= {number: BitMap() for number, _ in asked}
                continue
            numbered.append(asked)
            scopes.append(replace(self._scope, among=matters if matters and len(matters) <= MOST_NAMED else None))
        if not numbered:
            return
        sql = "\nunion all\n".join(spell(self._inquiry, scopes, numbered))
        words = max(1, -(-max(map(len, numbered)) // WORD))
        most_rows = MOST_ROWS // words
        table = await self._columnar.ask(sql, self._inquiry.bind.parameters, most_rows=most_rows)
        parts = zip(await asyncio.to_thread(by_scan, table, len(numbered)), numbered, strict=True)
        for found in await at_once(*(asyncio.to_thread(_read, read, *part) for part in parts)):
            self.answers |= found


async def _odd(columnar: Columnar, inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> set[int]:
    """Return the questions whose sums are not a total, for events there are."""
    guards: dict[str, list[int]] = {}
    for number, asked in numbered:
        if asked.total and asked.unless:
            guards.setdefault(odd_events(inquiry, scope, asked), []).append(number)
    if not guards:
        return set()
    told = ", ".join(f"{guard} as g{place}" for place, guard in enumerate(guards))
    (row,) = await columnar.rows(f"select {told}", inquiry.bind.parameters)
    return {number for place, numbers in enumerate(guards.values()) if row[f"g{place}"] for number in numbers}


def _of_one_value(summed: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    """Yield the questions that look at the same value of the same events."""

    def value(one: Numbered) -> tuple[str, str]:
        asked = one[1]
        return asked.rows, asked.total.of if asked.total else ""

    for _, group in groupby(sorted(summed, key=value), key=value):
        yield list(group)


def _counted(inquiry: Inquiry, scopes: Sequence[Scope], numbered: _Scans) -> Iterator[str]:
    """Yield the select of the rows of each scan that some question looks at."""
    most = max(map(len, numbered))
    for scan, (scope, asked) in enumerate(zip(scopes, numbered, strict=True)):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        looks = [(f"q{number}", question.holds if question.by_row else question.rows) for number, question in asked]
        if most > 1:
            told = ", ".join(f"{predicate} as {name}" for name, predicate in looks)
            rows = f"select {person} as person, {told} from ({rows})"
            yield bit_rows("person", rows, asked, place=place_of(scan, len(numbered)), most=most)
            continue
        question, looked = asked[0][1], looks[0][1]
        if len(question.names) == 1 and question.prefix is None:
            # every row of the scan has the name
            looked = looked.removeprefix(f"name = {inquiry.bind.text(question.names[0])} and ")
        where = "" if question.rows == looks[0][1] else f" where {looked}"
        place = place_of(scan, len(numbered))
        yield f"select person as person_no{place} from (select {person} as person from ({rows}){where})"


def _summed(inquiry: Inquiry, scopes: Sequence[Scope], numbered: _Scans) -> Iterator[str]:
    """Yield the select of the rows of each scan and what each is worth, in 10^-10."""
    for scan, (scope, asked) in enumerate(zip(scopes, numbered, strict=True)):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        of = asked[0][1].total.of if asked[0][1].total else "0"
        worth = f"reinterpretAsInt64(toDecimal64({of}, {DECIMAL_PLACES})) as worth"
        told = f"select {person} as person, {worth} from ({rows})"
        yield f"select person as person_no{place_of(scan, len(numbered))}, worth from ({told})"


def _grouped(inquiry: Inquiry, scopes: Sequence[Scope], numbered: _Scans) -> Iterator[str]:
    """Yield the select of the answers to each scan, grouped by the engine."""
    most = max(map(len, numbered))
    for scan, (scope, asked) in enumerate(zip(scopes, numbered, strict=True)):
        yield answer_rows(inquiry, scope, asked, place=place_of(scan, len(numbered)), most=most)


def _read(read: _Reading, part: pa.Table, asked: Sequence[Numbered]) -> dict[int, BitMap]:
    try:
        return dict(read(part, asked))
    except TooLarge as error:
        raise DoesNotFit("a total does not fit its number") from error


def _read_counted(part: pa.Table, asked: Sequence[Numbered]) -> _Found:
    persons = _persons(part)
    held = dict(read_words(part, asked)) if "w0" in part.column_names else {}
    for number, question in asked:
        theirs = persons[held[number]] if held else persons
        yield number, bitmap_of(theirs) if question.total is None else Totals(theirs).meeting(question.total)


def _read_summed(part: pa.Table, asked: Sequence[Numbered]) -> _Found:
    totals = Totals(_persons(part), part.column("worth").to_numpy())
    yield from ((number, totals.meeting(question.total)) for number, question in asked if question.total)


def _read_grouped(part: pa.Table, asked: Sequence[Numbered]) -> _Found:
    persons = _persons(part)
    yield from ((number, bitmap_of(persons[held])) for number, held in read_words(part, asked))


def _persons(part: pa.Table) -> NDArray[np.int32]:
    persons: NDArray[np.int32] = part.column("person_no").to_numpy().astype(np.int32, copy=False)
    return persons
