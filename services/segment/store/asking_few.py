"""All questions of an inquiry about some persons only: what differs by a name or a value alone is asked once.

About a thousand persons it is the statement that costs, not the rows: each expression is analysed again every round.
So an aggregate over the events of one name is asked by person and name, whichever names it is asked of; counts are
compared here; and predicates on traits that differ in their values alone become one, mapped over the values.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain

from pyroaring import BitMap

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Inquiry, Question
from services.segment.store.asking import ask
from services.segment.store.asking_alike import ask_alike, several_alike
from services.segment.store.asking_counts import ask_counts, counted_by_name
from services.segment.store.asking_named import Asking, ask_named, opens_properties
from services.segment.store.at_once import at_once
from services.segment.store.columnar import Columnar
from services.segment.store.gathering import Kept, gathered
from services.segment.store.scans import Numbered
from services.segment.store.scope import EVENT, Scope

Found = tuple[int, BitMap]


async def ask_few(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, concerned: Sequence[BitMap] | None = None
) -> list[BitMap]:
    """Return, per question of the inquiry, which of the scope's persons it holds for.

    `concerned` are the persons each question is asked about; of the others of the scope nothing is said.
    """
    answers = [BitMap() for _ in inquiry.questions]
    if not inquiry.questions or not scope.persons:
        return answers
    everybody = BitMap(scope.persons)
    asking = Asking(inquiry, scope, concerned or [everybody] * len(answers))
    counted, named, others = _apart(inquiry)
    groups, rest = several_alike(others)
    dear = [one for one, holds in named.items() if one[1].source == EVENT and opens_properties(holds)]
    others_of_events = [one for one in rest if one[1].source == EVENT]
    readers = [some for some in (dear, *groups, others_of_events) if some]
    looking = [one for reader in readers for one in reader]
    # what one statement alone reads need not be kept; on a server a table of a session may be on another replica
    worth_it = len(readers) > 1 and columnar.is_embedded
    if worth_it:
        looking += _among_the_rows([one for one in (*named, *counted) if one not in dear], looking)
    of_kept = set(looking)

    def part(asked: dict[Numbered, str], *, kept: bool) -> dict[Numbered, str]:
        return {one: what for one, what in asked.items() if (one in of_kept) is kept}

    async def ask_rest(kept: Scope) -> Iterable[Found]:
        if not rest:
            return ()
        inner = Inquiry(inquiry.moment, inquiry.bind, {asked: place for place, (_, asked) in enumerate(rest)})
        atoms = await ask(columnar, inner, replace(asking.scope_of(rest), events=kept.events))
        return zip((number for number, _ in rest), atoms, strict=True)

    async def ask_of_kept() -> Iterable[Found]:
        keeping = (
            gathered(columnar, inquiry, asking.scope_of(looking), looking) if worth_it else nullcontext(Kept(scope))
        )
        those = part(named, kept=True)
        async with keeping as kept:
            scopes = [replace(asking.scope_of(group), events=kept.scope.events) for group in groups]
            alike = [ask_alike(columnar, inquiry, *some) for some in zip(scopes, groups, strict=True)]
            counts = ask_counts(columnar, asking, part(counted, kept=True), kept.scope)
            simplest = {one: _simply(one[1], inquiry.bind, kept.unmet) or holds for one, holds in those.items()}
            dearest = ask_named(columnar, asking, simplest, kept.scope)
            return chain(*await at_once(dearest, *alike, ask_rest(kept.scope), counts))

    # traits, and events nobody else looks at, are asked for while the rows are laid up
    for number, persons in chain(
        *await at_once(
            ask_of_kept(),
            ask_counts(columnar, asking, part(counted, kept=False), scope),
            ask_named(columnar, asking, part(named, kept=False), scope),
        )
    ):
        answers[number] = persons
    return answers


def _apart(inquiry: Inquiry) -> tuple[dict[Numbered, str], dict[Numbered, str], list[Numbered]]:
    """Return questions that count events of one name, and others about one, with what they ask of it; and the rest."""
    counted: dict[Numbered, str] = {}
    named: dict[Numbered, str] = {}
    others: list[Numbered] = []
    for number, asked in enumerate(inquiry.questions):
        predicate = counted_by_name(asked, inquiry.bind)
        if predicate is not None:
            counted[number, asked] = predicate
            continue
        holds = _of_its_name(asked, inquiry.bind)
        if holds is None:
            others.append((number, asked))
        else:
            named[number, asked] = holds
    return counted, named, others


def _among_the_rows(numbered: Sequence[Numbered], others: Sequence[Numbered]) -> list[Numbered]:
    """Return the questions that look at no event but those the others look at anyway."""
    names = {name for _, other in others for name in other.names}
    floors = [other.since for _, other in others]
    oldest = None if None in floors else min(floor for floor in floors if floor)

    def is_among(asked: Question) -> bool:
        reached = oldest is None or (asked.since is not None and asked.since >= oldest)
        return asked.source == EVENT and reached and names.issuperset(asked.names)

    return [one for one in numbered if is_among(one[1])]


def _of_its_name(asked: Question, bind: Binder) -> str | None:
    """Return what is asked of rows that all have the question's name; None where it does not say so."""
    if asked.source not in ("event", "trait") or len(asked.names) != 1 or asked.prefix is not None:
        return None
    test = f"name = {bind.text(asked.names[0])} and "
    if test not in asked.holds:
        return None
    holds = asked.holds.replace(test, "")
    return f"countIf({holds}) > 0" if asked.by_row and asked.source == "event" else holds


def _simply(asked: Question, bind: Binder, unmet: frozenset[str]) -> str | None:
    """Return a shorter way to ask the same of rows of the question's name, where none of them bars it."""
    if not asked.simply or not unmet.issuperset(asked.unless):
        return None
    return asked.simply.replace(f"name = {bind.text(asked.names[0])} and ", "")
