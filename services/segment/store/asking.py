"""All questions of an inquiry, about everybody or about some persons only, by one statement that a server takes too."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import Formula
from services.segment.domain.narrowing import beside_each
from services.segment.domain.values import EPOCH
from services.segment.store.asking_rows import ask_for_rows
from services.segment.store.bitmaps import read_bitmap
from services.segment.store.columnar import Columnar, DoesNotFit
from services.segment.store.scans import Numbered, grouped, scans, whole_scan
from services.segment.store.scope import Scope
from services.segment.store.words import answer_rows, by_scan, place_of, read_words

MOST_SEEN = 5
_LATEST = (
    f"groupArraySortedIf({MOST_SEEN})("
    "(-toUnixTimestamp64Micro(event_time), toString(event_id), toString(name)), {rows})"
)


@dataclass(frozen=True)
class Seen:
    """An event a question looked at."""

    event_id: UUID
    name: str
    event_time: datetime


async def ask(columnar: Columnar, inquiry: Inquiry, scope: Scope, formulas: Iterable[Formula] = ()) -> list[BitMap]:
    """Return, per question of the inquiry, the persons it holds for.

    With all the `formulas` the answers are for, it may be told to hold for others whom none of them holds for.
    """
    answers = [BitMap() for _ in inquiry.questions]
    if not inquiry.questions or (scope.persons is not None and not len(scope.persons)):
        return answers
    if scope.persons is None and columnar.is_embedded:
        try:
            return await ask_for_rows(columnar, inquiry, scope, beside_each(formulas))
        except DoesNotFit:
            # the engine counts them by itself then, as a server does, from which rows would have a long way
            pass
    read = _read_sets if scope.persons is None else _read_words
    table = await columnar.ask(statement(inquiry, scope), inquiry.bind.parameters, few_rows=scope.persons is not None)
    for number, found in read(table, list(scans(scope, enumerate(inquiry.questions)))):
        answers[number] = found
    return answers


async def estimate_rows(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> int:
    """Return how many rows the engine means to read for an inquiry that has questions; nothing is read."""
    told = await columnar.rows(f"explain estimate {statement(inquiry, scope)}", inquiry.bind.parameters)
    return sum(int(row["rows"]) for row in told)


async def explain(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> list[str]:
    """Return, for the one person of the scope, what each question looked at, as text."""
    shown = [""] * len(inquiry.questions)
    for source in ("event", "trait", "person", "account"):
        numbered = [
            (number, replace(asked, holds=asked.value, by_row=False))
            for number, asked in enumerate(inquiry.questions)
            if asked.source == source
        ]
        if not numbered:
            continue
        for row in await columnar.rows(grouped(inquiry, scope, numbered), inquiry.bind.parameters):
            for number, _ in numbered:
                shown[number] = row[f"q{number}"]
    return shown


async def explain_events(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, numbers: Container[int]
) -> dict[int, list[Seen]]:
    """Return, for the one person of the scope, the latest events that questions looked at, newest first, by number."""
    shown: dict[int, list[Seen]] = {}
    numbered = [
        (number, replace(asked, holds=_LATEST.format(rows=asked.rows or "true"), by_row=False, simply=""))
        for number, asked in enumerate(inquiry.questions)
        if asked.source == "event" and number in numbers
    ]
    for one in numbered:
        # each by itself: what one looks at is no bound to the rows of another
        for row in await columnar.rows(grouped(inquiry, scope, [one]), inquiry.bind.parameters):
            shown[one[0]] = [
                Seen(UUID(event_id), name, EPOCH + timedelta(microseconds=-before))
                for before, event_id, name in (tuple(seen.values()) for seen in row[f"q{one[0]}"])
            ]
    return shown


def statement(inquiry: Inquiry, scope: Scope) -> str:
    """Return the statement.

    About everybody: a row a scan, with a set of persons for each question. About few: per scan a row for each person
    some question holds for, the answers as bits.
    """
    numbered = list(scans(scope, enumerate(inquiry.questions)))
    if scope.persons is None:
        parts = [
            f"select toUInt16({scan}) as scan, sets from ({whole_scan(inquiry, scope, asked)})"
            for scan, asked in enumerate(numbered)
        ]
    else:
        most = max(map(len, numbered))
        parts = [
            answer_rows(inquiry, scope, asked, place=place_of(scan, len(numbered)), most=most)
            for scan, asked in enumerate(numbered)
        ]
    return "\nunion all\n".join(parts)


def _read_sets(table: pa.Table, numbered: Sequence[Sequence[Numbered]]) -> list[tuple[int, BitMap]]:
    found: list[tuple[int, BitMap]] = []
    # the engine calls every text UTF-8
    sets = table.column("sets").cast(pa.list_(pa.binary())).to_pylist()
    for scan, states in zip(table.column("scan").to_pylist(), sets, strict=True):
        found += [(number, read_bitmap(state)) for (number, _), state in zip(numbered[scan], states, strict=True)]
    return found


def _read_words(table: pa.Table, numbered: Sequence[Sequence[Numbered]]) -> Iterator[tuple[int, BitMap]]:
    for part, asked in zip(by_scan(table, len(numbered)), numbered, strict=True):
        persons = part.column("person_no").to_numpy().astype(np.uint32, copy=False)
        yield from ((number, BitMap(persons[held])) for number, held in read_words(part, asked))
