"""Answers as rows: a person, and a bit in words for each question that holds for him."""

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.segment.domain.condition import Inquiry
from services.segment.store.scans import Numbered, grouped
from services.segment.store.scope import Scope

WORD = 64
_MOST_BY_A_BYTE = 256


def place_of(scan: int, many: int) -> str:
    """Return the column, after a comma, that tells a row's scan from the others of the statement; "" for one alone."""
    kind = "toUInt8" if many <= _MOST_BY_A_BYTE else "toUInt16"
    return f", {kind}({scan}) as scan" if many > 1 else ""


def answer_rows(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered], *, place: str, most: int) -> str:
    """Return the select of a row for each person some question of a scan holds for, grouped by the engine."""
    return bit_rows("person_no", grouped(inquiry, scope, numbered), numbered, place=place, most=most)


def bit_rows(person: str, rows: str, numbered: Sequence[Numbered], *, place: str, most: int) -> str:
    """Return the select of rows (with `q<number>` for each question) of which some question holds."""
    words = [f"{_word(numbered[start : start + WORD])} as w{at}" for at, start in enumerate(range(0, most, WORD))]
    some = " or ".join(f"w{at} != 0" for at, _ in enumerate(range(0, len(numbered), WORD)))
    return f"select {person} as person_no{place}, {', '.join(words)} from (\n{rows}\n) where {some}"


def by_scan(table: pa.Table, many: int) -> list[pa.Table]:
    """Return the rows of each scan; a block mostly holds those of one."""
    if many == 1:
        return [table]
    parts: list[list[pa.RecordBatch]] = [[] for _ in range(many)]
    for batch in table.to_batches():
        scans = batch.column("scan").to_numpy()
        first, last = (int(scans.min()), int(scans.max())) if len(scans) else (0, -1)
        if first == last:
            parts[first].append(batch)
            continue
        for scan in range(first, last + 1):
            parts[scan].append(batch.filter(pa.array(scans == scan)))
    return [pa.Table.from_batches(part, table.schema) for part in parts]


def read_words(table: pa.Table, numbered: Sequence[Numbered]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the number of each question, and for which rows it holds."""
    for position, (number, _) in enumerate(numbered):
        word: NDArray[np.uint64] = table.column(f"w{position // WORD}").to_numpy()
        yield number, ((word >> np.uint64(position % WORD)) & np.uint64(1)).astype(np.bool_)


def _word(numbered: Sequence[Numbered]) -> str:
    bits = [f"bitShiftLeft(toUInt64(q{number}), {bit})" for bit, (number, _) in enumerate(numbered)]
    return reduce(lambda left, right: f"bitOr({left}, {right})", bits, bits.pop(0) if bits else "toUInt64(0)")
