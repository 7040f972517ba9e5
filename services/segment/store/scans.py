"""The scans of a statement: which rows are read for which questions, and whom each row belongs to now."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Inquiry, Question
from services.segment.domain.moved import Moved
from services.segment.store.asking_accounts import accounts
from services.segment.store.few_events import few_events, looking_at
from services.segment.store.scope import EVENT, Scope

Numbered = tuple[int, Question]
MANY_NAMES = 8
"""So many names are not looked up in the order of some persons' events: each of its places took twice as long to pass
or to keep, and hardly one more was passed. With fewer a person with very many events is read for those alone."""
FEW_FILTERS = 4
"""So many filters are put to the rows before they are grouped; more would cost each row more than they keep out."""

_OVERRIDES = "(select {column} from override final where workspace_id = {{workspace}} order by subject_no)"
_OWNER = f"""transform(
        subject_no,
        (select groupArray(subject_no) from {_OVERRIDES.format(column="subject_no")}),
        (select groupArray(person_no) from {_OVERRIDES.format(column="person_no")}),
        person_no)"""
_SPANS = """(select groupArray({column}) from (
        select {column} from override_span final where workspace_id = {{workspace}} order by subject_no))"""
_PLACE = f"""transform(subject_no, {_SPANS.format(column="subject_no")},
        (select range(1, count() + 1) from override_span final where workspace_id = {{workspace}}), toUInt64(0))"""
PRESENT_PERSON = f"""if((select count() from override_span where workspace_id = {{workspace}}) = 0,
    {_OWNER},
    if({_PLACE} = 0, {_OWNER}, {_SPANS.format(column="persons")}[{_PLACE}][
        arrayLastIndex(start -> start <= event_time, {_SPANS.format(column="starts")}[{_PLACE}])]))"""
"""The owner of an event: who had its subject at its time where that matters, else the override of its subject, else the
person it was stored under. Where no subject has spans the first condition is a constant and that part costs nothing."""


def scans(scope: Scope, numbered: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Yield the questions of each scan.

    About everybody, a scan for each name that is asked about: it reads that name's rows and columns alone, as far
    back as its own windows go; what one row answers is not mixed with what has to be counted by person. About few
    persons it is the statement's analysis that costs, not the rows.
    """

    def place(one: Numbered) -> tuple[str, tuple[str, ...], str, bool]:
        asked = one[1]
        if scope.persons is not None:
            return asked.source, (), "", False
        return asked.source, asked.names, asked.prefix or "", asked.by_row

    for _, group in groupby(sorted(numbered, key=place), key=place):
        yield list(group)


def whole_scan(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    """Return the select of one row: for each question, the set of persons it holds for, as the engine writes it."""
    if all(asked.by_row for _, asked in numbered):
        person, rows = rows_of(inquiry, scope, [asked for _, asked in numbered])
        held = [asked.holds for _, asked in numbered]
    else:
        person, rows = "person_no", grouped(inquiry, scope, numbered)
        held = [f"q{number}" for number, _ in numbered]
    sets = ", ".join(f"toString(groupBitmapStateIf(toUInt32({person}), {one}))" for one in held)
    return f"select [{sets}] as sets from (\n{rows}\n)"


def rows_of(inquiry: Inquiry, scope: Scope, asked: Sequence[Question]) -> tuple[str, str]:
    """Return whose a row is, and the select of the rows that any of the questions looks at; they are of one source."""
    if asked[0].source == "event":
        return _person(inquiry, scope), f"select * from event where {' and '.join(event_rows(inquiry, scope, asked))}"
    return "person_no", trait_rows(inquiry, scope, asked)


def grouped(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    """Return the select of a row a person, with the answer to each question as `q<number>`; they are of one source."""
    match numbered[0][1].source:
        case "event":
            return grouped_events(inquiry, scope, numbered)
        case "account":
            return grouped_accounts(inquiry, scope, numbered)
        case _:
            return grouped_traits(inquiry, scope, numbered)


def grouped_events(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    """Return the select of a row a person, with the answer to each question as `q<number>`."""
    where, having = event_rows(inquiry, scope, [question for _, question in numbered]), ""
    answers = {number: _by_person(question) for number, question in numbered}
    if scope.persons is not None:
        rows = f"({few_events(inquiry.bind, scope, scope.stored_under, where, looking_at(answers.values()))})"
        having = f"\nhaving person in {inquiry.bind.wholes(scope.persons)}" if scope.merged else ""
    else:
        rows = f"{EVENT} where {' and '.join(where)}"
        answers |= {number: _simply(inquiry, scope, question) for number, question in numbered if question.simply}
    columns = ", ".join(f"{answer} as q{number}" for number, answer in answers.items())
    # the alias must not be the column's own name: it would be put in its place inside the aggregates
    return (
        f"select person as person_no, * except person from (select {_person(inquiry, scope)} as person, {columns}"
        f"\nfrom {rows} group by person{having})"
    )


def grouped_traits(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    """Return the select of a row a person, with the answer to each question about traits as `q<number>`."""
    rows = trait_rows(inquiry, scope, [question for _, question in numbered])
    columns = ", ".join(f"{_by_person(question)} as q{number}" for number, question in numbered)
    return f"select person_no, {columns} from ({rows}) group by person_no"


def grouped_accounts(inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]) -> str:
    """Return the select of a row for each person that belongs to accounts, with the answers as `q<number>`."""
    return accounts(
        inquiry.bind,
        [question for _, question in numbered],
        ", ".join(f"{question.holds} as q{number}" for number, question in numbered),
        workspace=inquiry.bind.whole(scope.workspace_id),
        person=_person(inquiry, scope),
        stored_under=None if scope.persons is None else scope.stored_under,
        persons=scope.persons,
    )


def trait_rows(inquiry: Inquiry, scope: Scope, asked: Sequence[Question]) -> str:
    """Return the select of the newest rows of the traits asked about."""
    bind = inquiry.bind
    where = [f"workspace_id = {bind.whole(scope.workspace_id)}", _named(inquiry, asked)]
    if scope.persons is not None:
        where.append(f"person_no in {bind.wholes(scope.persons)}")
    if scope.among is not None:
        where.append(f"person_no in (select person_no from {scope.among})")
    return " union all ".join(
        f"select * from {table} final where {' and '.join(where)}" for table in ("trait", "personal_trait")
    )


def _by_person(question: Question) -> str:
    return f"countIf({question.holds}) > 0" if question.by_row else question.holds


def _simply(inquiry: Inquiry, scope: Scope, question: Question) -> str:
    """Return the cheaper answer where it is the same; that is a constant to the engine, which drops the other one."""
    return f"if({odd_events(inquiry, scope, question)} = 0, {question.simply}, {question.holds})"


def odd_events(inquiry: Inquiry, scope: Scope, question: Question) -> str:
    """Return the number, constant to the engine, of events that bar a question's shorter ways."""
    asked = f"workspace_id = {inquiry.bind.whole(scope.workspace_id)} and {_named(inquiry, [question])}"
    return " + ".join(f"(select count() from event where {asked} and {one})" for one in question.unless)


def present_person(bind: Binder, workspace_id: int, moved: Moved | None) -> str:
    """Return whom an event belongs to now; 0, nobody, where it is the row or the copy that does not count."""
    if not moved:
        return "person_no"
    person = PRESENT_PERSON.format(workspace=bind.whole(workspace_id))
    uncounted = not_counted(bind, workspace_id, moved)
    return f"if({uncounted}, 0, {person})" if uncounted else person


def not_counted(bind: Binder, workspace_id: int, moved: Moved | None) -> str:
    """Return the predicate on events that are in the store twice for a while, and count as the other; "" for none."""
    if not moved or not moved.squash_no:
        return ""
    if not moved.copied:
        return f"generation = {bind.whole(moved.copies)}"
    pairs = (
        f"select subject_no, person_no from squash where workspace_id = {bind.whole(workspace_id)}"
        f" and squash_no = {bind.whole(moved.squash_no)}"
    )
    return f"(generation < {bind.whole(moved.copies)} and (subject_no, person_no) in ({pairs}))"


def _person(inquiry: Inquiry, scope: Scope) -> str:
    return present_person(inquiry.bind, scope.workspace_id, scope.merged)


def event_rows(inquiry: Inquiry, scope: Scope, asked: Sequence[Question]) -> list[str]:
    """Return what an event has to meet to be looked at by any of the questions."""
    bind = inquiry.bind
    by_order = scope.persons is None or len({name for question in asked for name in question.names}) < MANY_NAMES
    where = [f"workspace_id = {bind.whole(scope.workspace_id)}", _named(inquiry, asked, by_order=by_order)]
    floors = [question.since for question in asked]
    oldest = min((floor for floor in floors if floor is not None), default=None)
    if oldest is not None and None not in floors:
        where.append(f"event_time >= {bind.time(oldest)}")
    if scope.among is not None:
        where.append(f"{_person(inquiry, scope)} in (select person_no from {scope.among})")
    filters = {question.rows for question in asked}
    if scope.persons is None and "" not in filters and len(filters) <= FEW_FILTERS:
        alone = next(iter(filters)) if len(filters) == 1 else ""
        # what the one filter says by itself is not asked of each row twice
        where = [one for one in where if not _says(alone, one)]
        where.append(f"({' or '.join(f'({rows})' for rows in sorted(filters))})")
    return where


def _says(rows: str, predicate: str) -> bool:
    """Tell whether a filter is a conjunction of which a predicate is one part."""
    bare = predicate[1:-1] if predicate.startswith("(") else predicate
    return f" and {bare} and " in f" and {rows} and "


def _named(inquiry: Inquiry, asked: Sequence[Question], *, by_order: bool = True) -> str:
    names = sorted({name for question in asked for name in question.names})
    prefixes = sorted({question.prefix for question in asked if question.prefix is not None})
    parts = [f"startsWith(name, {inquiry.bind.text(prefix)})" for prefix in prefixes]
    if len(names) == 1:
        # an equality, that the engine may go on in the order below it
        parts.append(f"name = {inquiry.bind.text(names[0])}")
    elif names and by_order:
        parts.append(f"name in {inquiry.bind.texts(names)}")
    elif names:
        parts.append(f"indexOf({inquiry.bind.texts(names)}, toString(name)) > 0")
    return f"({' or '.join(parts)})"
