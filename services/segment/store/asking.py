"""One statement for all questions of an inquiry, about everybody or about some persons only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pyroaring import BitMap

from services.segment.domain.condition import Inquiry, Question
from services.segment.store.columnar import Columnar

WORD = 64

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
    words = [table.column(f"w{number}").to_numpy() for number in range(_words(inquiry))]
    for number in range(len(answers)):
        mask = (words[number // WORD] >> np.uint64(number % WORD)) & np.uint64(1)
        answers[number] = BitMap(persons[mask.astype(bool)])
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
        inner = _events(inquiry, scope, numbered) if source == "event" else _traits(inquiry, scope, numbered)
        for row in await columnar.rows(inner, inquiry.bind.parameters):
            for number, _ in numbered:
                shown[number] = row[f"q{number}"]
    return shown


def _words(inquiry: Inquiry) -> int:
    return -(-len(inquiry.questions) // WORD)


def statement(inquiry: Inquiry, scope: Scope) -> str:
    """Return the statement: a row per person some question holds for, the answers as bits of w0, w1 ..."""
    scans = []
    for source in ("event", "trait"):
        numbered = [(number, asked) for number, asked in enumerate(inquiry.questions) if asked.source == source]
        if numbered:
            inner = _events(inquiry, scope, numbered) if source == "event" else _traits(inquiry, scope, numbered)
            scans.append(_packed(inner, numbered, _words(inquiry)))
    if len(scans) == 1:
        return scans[0]
    words = ", ".join(f"groupBitOr(s.w{number}) as w{number}" for number in range(_words(inquiry)))
    both = "\nunion all\n".join(scans)
    return f"select person_no, {words} from (\n{both}\n) as s group by person_no"


def _packed(inner: str, numbered: Iterable[tuple[int, Question]], words: int) -> str:
    bits: list[list[str]] = [[] for _ in range(words)]
    for number, _ in numbered:
        bits[number // WORD].append(f"bitShiftLeft(toUInt64(q{number}), {number % WORD})")
    packed = [f"{_either(parts)} as w{number}" for number, parts in enumerate(bits)]
    some = " or ".join(f"w{number} != 0" for number, parts in enumerate(bits) if parts)
    return f"select person_no, {', '.join(packed)} from (\n{inner}\n) where {some}"


def _either(parts: list[str]) -> str:
    if not parts:
        return "toUInt64(0)"
    either = parts[0]
    for part in parts[1:]:
        either = f"bitOr({either}, {part})"
    return either


def _events(inquiry: Inquiry, scope: Scope, numbered: list[tuple[int, Question]]) -> str:
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


def _traits(inquiry: Inquiry, scope: Scope, numbered: list[tuple[int, Question]]) -> str:
    bind = inquiry.bind
    where = [f"workspace_id = {bind.whole(scope.workspace_id)}", _named(inquiry, [asked for _, asked in numbered])]
    if scope.persons is not None:
        where.append(f"person_no in {bind.wholes(scope.persons)}")
    columns = ", ".join(f"{question.holds} as q{number}" for number, question in numbered)
    both = " union all ".join(
        f"select * from {table} final where {' and '.join(where)}" for table in ("trait", "personal_trait")
    )
    return f"select person_no, {columns} from ({both}) group by person_no"


def _named(inquiry: Inquiry, asked: list[Question]) -> str:
    names = sorted({name for question in asked for name in question.names})
    prefixes = sorted({question.prefix for question in asked if question.prefix is not None})
    parts = [f"startsWith(name, {inquiry.bind.text(prefix)})" for prefix in prefixes]
    if names:
        parts.append(f"name in {inquiry.bind.texts(names)}")
    return f"({' or '.join(parts)})"
