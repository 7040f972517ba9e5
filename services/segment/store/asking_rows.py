"""Everybody, asked of the engine in this process: rows are handed over, and added up here.

The engine's table of groups has a place to be found for each row, and its groups come in no order; a person's number is
a place in an array by itself. So a question that comes down to a total, or that one row answers, is not grouped there.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from services.segment.store.crowds import Crowds
from services.segment.store.scans import Numbered, odd_events, rows_of, scans
from services.segment.store.scope import Scope
from services.segment.store.totals import TooLarge, Totals
from services.segment.store.words import WORD, answer_rows, bit_rows, by_scan, place_of, read_words

MOST_ROWS = 32_000_000
"""So many rows are handed over at once, of 14 bytes at the most; of fewer where more answers lie beside each."""
STATEMENTS = 4
"""So many statements the counts are asked by at the most."""


_Scoped = Sequence[tuple[Scope, Sequence[Numbered]]]
_Found = Iterator[tuple[int, BitMap]]
_Spelling = Callable[[Inquiry, _Scoped], Iterator[str]]
_Reading = Callable[[pa.Table, Sequence[Numbered]], _Found]


async def ask_for_rows(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, beside: Mapping[int, Beside]
) -> list[BitMap]:
    """Return, per question about everybody, whom it holds for; DoesNotFit where that is too much to be handed over.

    What is more than counting is asked of those alone whom the counts beside it hold for (domain/narrowing.py), if
    they are few. It goes on beside the other counts, a statement each: as many go on as the store has handles.
    """
    numbered = list(enumerate(inquiry.questions))
    dear = [one for one in numbered if not _is_counted(one[1])]
    deciding = set().union(*(beside.get(number, frozenset()) for number, _ in dear))
    first = [one for one in numbered if one[0] in deciding and one[1].source == "event" and _is_counted(one[1])]
    elsewhere = {number for number, _ in (*first, *dear)}
    rest = [one for one in numbered if one[0] not in elsewhere]
    parts = _parts([(scope, asked) for asked in scans(scope, rest)])
    rows = _Rows(columnar, inquiry, shared=bool(dear) + len(parts) > 1)

    async def ask_counts() -> None:
        while parts:
            await rows.ask(parts.pop(), _counted, _read_counted)

    async def ask_all() -> None:
        await rows.ask([(scope, asked) for asked in scans(scope, first)], _counted, _read_counted)
        known = {number: rows.answers[number] for number, _ in first}
        await _ask_dear(columnar, inquiry, scope, rows, dear, lambda asked: matters_to(asked, beside, known))
        await ask_counts()

    await at_once(ask_all(), ask_counts())
    return [rows.answers[number] for number, _ in numbered]


async def _ask_dear(
    columnar: Columnar,
    inquiry: Inquiry,
    scope: Scope,
    rows: "_Rows",
    dear: Sequence[Numbered],
    matters: Callable[[list[int]], BitMap | None],
) -> None:
    """Ask what is more than counting; `matters` tells for whom alone the answers to some questions do."""
    odd = await _odd(columnar, inquiry, scope, dear)
    summed = _of_one_value([one for one in dear if one[1].total and one[0] not in odd])
    grouped = scans(scope, [one for one in dear if not one[1].total or one[0] in odd])
    async with Crowds(columnar) as crowds:

        async def scoped(part: Iterator[list[Numbered]]) -> list[tuple[Scope, list[Numbered]]]:
            found: list[tuple[Scope, list[Numbered]]] = []
            for asked in part:
                persons = matters([number for number, _ in asked])
                if persons is None or persons:
                    found.append((await crowds.scope_of(scope, persons), asked))
                else:
                    rows.answers |= {number: BitMap() for number, _ in asked}
            return found

        sums, groups = await scoped(summed), await scoped(grouped)
        await at_once(rows.ask(sums, _summed, _read_summed), rows.ask(groups, _grouped, _read_grouped))


def _parts(scoped: _Scoped) -> list[_Scoped]:
    """Return the scans of each statement, so many as end at about the same time on all handles; the last is first."""
    return [part for start in range(STATEMENTS) if (part := scoped[start::STATEMENTS])]


def _is_counted(asked: Question) -> bool:
    return asked.by_row or (asked.total is not None and not asked.total.of)


class _Rows:
    """What was answered of an inquiry so far."""

    def __init__(self, columnar: Columnar, inquiry: Inquiry, *, shared: bool) -> None:
        self._columnar = columnar
        self._shared = shared
        self._inquiry = inquiry
        self.answers: dict[int, BitMap] = {}

    async def ask(self, scoped: _Scoped, spell: _Spelling, read: _Reading) -> None:
        """Ask scans, each in its scope, by one statement."""
        if not scoped:
            return
        numbered = [asked for _, asked in scoped]
        sql = "\nunion all\n".join(spell(self._inquiry, scoped))
        words = max(1, -(-max(map(len, numbered)) // WORD))
        table = await self._columnar.ask(
            sql, self._inquiry.bind.parameters, most_rows=MOST_ROWS // words, shared=self._shared
        )
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


def _counted(inquiry: Inquiry, scoped: _Scoped) -> Iterator[str]:
    """Yield the select of the rows of each scan that some question looks at."""
    most = max(len(asked) for _, asked in scoped)
    for scan, (scope, asked) in enumerate(scoped):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        looks = [(f"q{number}", question.holds if question.by_row else question.rows) for number, question in asked]
        if most > 1:
            told = ", ".join(f"{predicate} as {name}" for name, predicate in looks)
            rows = f"select {person} as person, {told} from ({rows})"
            yield bit_rows("person", rows, asked, place=place_of(scan, len(scoped)), most=most)
            continue
        question, looked = asked[0][1], looks[0][1]
        if len(question.names) == 1 and question.prefix is None:
            # every row of the scan has the name
            looked = looked.removeprefix(f"name = {inquiry.bind.text(question.names[0])} and ")
        where = "" if question.rows == looks[0][1] else f" where {looked}"
        place = place_of(scan, len(scoped))
        yield f"select person as person_no{place} from (select {person} as person from ({rows}){where})"


def _summed(inquiry: Inquiry, scoped: _Scoped) -> Iterator[str]:
    """Yield the select of the rows of each scan and what each is worth, in 10^-10."""
    for scan, (scope, asked) in enumerate(scoped):
        person, rows = rows_of(inquiry, scope, [question for _, question in asked])
        of = asked[0][1].total.of if asked[0][1].total else "0"
        worth = f"reinterpretAsInt64(toDecimal64({of}, {DECIMAL_PLACES})) as worth"
        told = f"select {person} as person, {worth} from ({rows})"
        yield f"select person as person_no{place_of(scan, len(scoped))}, worth from ({told})"


def _grouped(inquiry: Inquiry, scoped: _Scoped) -> Iterator[str]:
    """Yield the select of the answers to each scan, grouped by the engine."""
    most = max(len(asked) for _, asked in scoped)
    for scan, (scope, asked) in enumerate(scoped):
        yield answer_rows(inquiry, scope, asked, place=place_of(scan, len(scoped)), most=most)


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
