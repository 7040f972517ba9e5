"""Everybody, asked of the engine in this process: rows are handed over, and added up here.

The engine's table of groups has a place to be found for each row, and its groups come in no order; a person's number is
a place in an array by itself. So a question that comes down to a total, or that one row answers, is not grouped there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry
from services.segment.domain.values import DECIMAL_PLACES
from services.segment.store.bitmaps import bitmap_of
from services.segment.store.columnar import Columnar, DoesNotFit
from services.segment.store.scans import Numbered, odd_events, rows_of, scans
from services.segment.store.scope import Scope
from services.segment.store.totals import TooLarge, Totals
from services.segment.store.words import WORD, answer_rows, bit_rows, by_scan, read_words

MOST_ROWS = 32_000_000
"""So many rows are handed over at once, of 14 bytes at the most; of fewer where more answers lie beside each."""


_Scans = Sequence[Sequence[Numbered]]
_Found = Iterator[tuple[int, BitMap]]
_Spelling = Callable[[Inquiry, Scope, _Scans], Iterator[str]]
_Reading = Callable[[pa.Table, Sequence[Numbered]], _Found]


async def ask_for_rows(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> list[BitMap]:
    """Return, per question about everybody, whom it holds for; DoesNotFit where that is too much to be handed over."""
    answers = [BitMap() for _ in inquiry.questions]
    counted: list[Numbered] = []
    others: list[Numbered] = []
    for number, asked in enumerate(inquiry.questions):
        is_counted = asked.by_row or (asked.total is not None and not asked.total.of)
        (counted if is_counted else others).append((number, asked))

    async def put(numbered: _Scans, spell: _Spelling, read: _Reading) -> None:
        if numbered:
            sql = "\nunion all\n".join(spell(inquiry, scope, numbered))
            words = max(1, -(-max(map(len, numbered)) // WORD))
            table = await columnar.ask(sql, inquiry.bind.parameters, few_rows=False, most_rows=MOST_ROWS // words)
            for number, found in (await asyncio.to_thread(_read, read, table, numbered)).items():
                answers[number] = found

    async def put_others() -> None:
        odd = await _odd(columnar, inquiry, scope, others)
        summed = [(number, asked) for number, asked in others if asked.total and number not in odd]
        rest = [(number, asked) for number, asked in others if not asked.total or number in odd]
        await put(list(_of_one_value(summed)), _summed, _read_summed)
        await put(list(scans(scope, rest)), _grouped, _read_grouped)

    # the engine is at the next statement while the rows of one are added up
    ends = await asyncio.gather(
        put(list(scans(scope, counted)), _counted, _read_counted), put_others(), return_exceptions=True
    )
    for trouble in ends:
        if trouble is not None:
            raise trouble
    return answers


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


def _counted(inquiry: Inquiry, scope: Scope, numbered: _Scans) -> Iterator[str]:
    """Yield the select of the rows of each scan that some question looks at."""
    most = max(map(len, numbered))
    for scan, asked in enumerate(numbered):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        looks = [(f"q{number}", question.holds if question.by_row else question.rows) for number, question in asked]
        if most > 1:
            told = ", ".join(f"{predicate} as {name}" for name, predicate in looks)
            yield bit_rows("person", f"select {person} as person, {told} from ({rows})", asked, scan=scan, most=most)
            continue
        where = "" if asked[0][1].rows == looks[0][1] else f" where {looks[0][1]}"
        yield f"select person as person_no, {_place(scan)} from (select {person} as person from ({rows}){where})"


def _summed(inquiry: Inquiry, scope: Scope, numbered: _Scans) -> Iterator[str]:
    """Yield the select of the rows of each scan and what each is worth, in 10^-10."""
    for scan, asked in enumerate(numbered):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        of = asked[0][1].total.of if asked[0][1].total else "0"
        worth = f"reinterpretAsInt64(toDecimal64({of}, {DECIMAL_PLACES})) as worth"
        told = f"select {person} as person, {worth} from ({rows})"
        yield f"select person as person_no, {_place(scan)}, worth from ({told})"


def _grouped(inquiry: Inquiry, scope: Scope, numbered: _Scans) -> Iterator[str]:
    """Yield the select of the answers to each scan, grouped by the engine."""
    most = max(map(len, numbered))
    for scan, asked in enumerate(numbered):
        yield answer_rows(inquiry, scope, asked, scan=scan, most=most)


def _place(scan: int) -> str:
    return f"toUInt16({scan}) as scan"


def _read(read: _Reading, table: pa.Table, numbered: _Scans) -> dict[int, BitMap]:
    found: dict[int, BitMap] = {}
    try:
        for part, asked in zip(by_scan(table, len(numbered)), numbered, strict=True):
            found.update(read(part, asked))
    except TooLarge as error:
        raise DoesNotFit("a total does not fit its number") from error
    return found


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
