"""One statement for all questions of an inquiry, about everybody or about some persons only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby

import numpy as np
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry, Question
from services.segment.store.columnar import Columnar

WORD = 64
Numbered = tuple[int, Question]
FEW_QUESTIONS = 4
"""So many questions about a trait are put to its rows as they are; more would all be put to the index as well."""

_OVERRIDES = "(select {column} from override final where workspace_id = {{workspace}} order by subject_no)"
PRESENT_PERSON = f"""transform(
        subject_no,
        (select groupArray(subject_no) from {_OVERRIDES.format(column="subject_no")}),
        (select groupArray(person_no) from {_OVERRIDES.format(column="person_no")}),
        person_no)"""
"""The present owner of an event: the override of its subject, else the person it was stored under."""


@dataclass(frozen=True)
class Scope:
    """Who is asked about: everybody, or `persons`, whose events lie under `stored_under` (their past numbers too).

    `merged` says that some subject of the workspace has another owner now than when its events came in.
    """

    workspace_id: int
    merged: bool
    persons: Sequence[int] | None = None
    stored_under: Sequence[int] = ()


async def ask(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> list[BitMap]:
    """Return, per question of the inquiry, the persons it holds for."""
    answers = [BitMap() for _ in inquiry.questions]
    if not inquiry.questions or (scope.persons is not None and not len(scope.persons)):
        return answers
    sql = statement(inquiry, scope)
    table = await columnar.ask(sql, inquiry.bind.parameters, few_rows=scope.persons is not None)
    persons = table.column("person_no").to_numpy().astype(np.uint32, copy=False)
    scans = table.column("scan").to_numpy()
    words = [table.column(name).to_numpy() for name in table.column_names if name.startswith("w")]
    for scan, numbered in enumerate(_scans(inquiry, scope)):
        rows = scans == scan
        found, told = persons[rows], [word[rows] for word in words]
        for position, (number, _) in enumerate(numbered):
            bit = (told[position // WORD] >> np.uint64(position % WORD)) & np.uint64(1)
            answers[number] = BitMap(found[bit.astype(bool)])
    return answers


async def explain(columnar: Columnar, inquiry: Inquiry, scope: Scope) -> list[str]:
    """Return, for the one person of the scope, what each question looked at, as text."""
    shown = [""] * len(inquiry.questions)
    for source in ("event", "trait"):
        numbered = [
            (number, replace(asked, holds=asked.value))
            for number, asked in enumerate(inquiry.questions)
            if asked.source == source
        ]
        if not numbered:
            continue
        columns = ", ".join(f"{question.holds} as q{number}" for number, question in numbered)
        inner = f"select {columns} from ({_trait_rows(inquiry, scope, numbered)})"
        if source == "event":
            inner = _events(inquiry, scope, numbered)
        for row in await columnar.rows(inner, inquiry.bind.parameters):
            for number, _ in numbered:
                shown[number] = row[f"q{number}"]
    return shown


def statement(inquiry: Inquiry, scope: Scope) -> str:
    """Return the statement: per scan a row for each person some question of it holds for, the answers as bits."""
    scans = list(_scans(inquiry, scope))
    most = max(map(len, scans))
    parts = []
    for scan, numbered in enumerate(scans):
        inner = (_events if numbered[0][1].source == "event" else _traits)(inquiry, scope, numbered)
        words = [_word(numbered[start : start + WORD]) for start in range(0, most, WORD)]
        named = ", ".join(f"{word} as w{number}" for number, word in enumerate(words))
        some = " or ".join(f"w{number} != 0" for number in range(len(words)) if number * WORD < len(numbered))
        parts.append(f"select person_no, toUInt16({scan}) as scan, {named} from (\n{inner}\n) where {some}")
    return "\nunion all\n".join(parts)


def _word(numbered: Sequence[Numbered]) -> str:
    bits = [f"bitShiftLeft(toUInt64(q{number}), {bit})" for bit, (number, _) in enumerate(numbered)]
    return reduce(lambda left, right: f"bitOr({left}, {right})", bits, bits.pop(0) if bits else "toUInt64(0)")


def _scans(inquiry: Inquiry, scope: Scope) -> Iterator[list[Numbered]]:
    """Yield the questions of each scan, by their numbers.

    About everybody, a scan for each name that is asked about: it reads that name's rows and columns alone, as far
    back as its own windows go. About few persons it is the statement's analysis that costs, not the rows.
    """

    def place(numbered: Numbered) -> tuple[str, tuple[str, ...], str]:
        asked = numbered[1]
        return (asked.source, asked.names, asked.prefix or "") if scope.persons is None else (asked.source, (), "")

    for _, group in groupby(sorted(enumerate(inquiry.questions), key=place), key=place):
        yield list(group)


def _events(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    bind = inquiry.bind
    workspace = bind.whole(scope.workspace_id)
    person = PRESENT_PERSON.format(workspace=workspace) if scope.merged else "person_no"
    asked = [question for _, question in numbered]
    where = [f"workspace_id = {workspace}", _named(inquiry, asked)]
    floors = [question.since for question in asked]
    oldest = min((floor for floor in floors if floor is not None), default=None)
    if oldest is not None and None not in floors:
        where.append(f"event_time >= {bind.time(oldest)}")
    having = ""
    if scope.persons is not None:
        where.append(f"person_no in {bind.wholes(scope.stored_under)}")
        having = f"\nhaving person in {bind.wholes(scope.persons)}" if scope.merged else ""
    columns = ", ".join(f"{question.holds} as q{number}" for number, question in numbered)
    # the alias must not be the column's own name: it would be put in its place inside the aggregates
    return (
        f"select person as person_no, * except person from (select {person} as person, {columns}"
        f"\nfrom event where {' and '.join(where)} group by person{having})"
    )


def _traits(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    rows = _trait_rows(inquiry, scope, numbered)
    if len(numbered) <= FEW_QUESTIONS:
        columns = ", ".join(f"{question.holds} as q{number}" for number, question in numbered)
        return f"select person_no, {columns} from ({rows})"
    columns = ", ".join(f"countIf({question.holds}) > 0 as q{number}" for number, question in numbered)
    return f"select person_no, {columns} from ({rows}) group by person_no"


def _trait_rows(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    bind = inquiry.bind
    where = [f"workspace_id = {bind.whole(scope.workspace_id)}", _named(inquiry, [asked for _, asked in numbered])]
    if scope.persons is not None:
        where.append(f"person_no in {bind.wholes(scope.persons)}")
    return " union all ".join(
        f"select * from {table} final where {' and '.join(where)}" for table in ("trait", "personal_trait")
    )


def _named(inquiry: Inquiry, asked: list[Question]) -> str:
    names = sorted({name for question in asked for name in question.names})
    prefixes = sorted({question.prefix for question in asked if question.prefix is not None})
    parts = [f"startsWith(name, {inquiry.bind.text(prefix)})" for prefix in prefixes]
    if len(names) == 1:
        # an equality, that the engine may go on in the order below it
        parts.append(f"name = {inquiry.bind.text(names[0])}")
    elif names:
        parts.append(f"name in {inquiry.bind.texts(names)}")
    return f"({' or '.join(parts)})"
