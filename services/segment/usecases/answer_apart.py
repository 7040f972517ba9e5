"""Ask several segments at once; one that cannot be answered does not keep the others from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pyroaring import BitMap

from services.segment.domain.answer import answer_all, ask_all
from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import Formula, atoms_in
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment
from services.segment.store.asking import ask
from services.segment.store.asking_few import ask_few
from services.segment.store.columnar import Columnar, QueryTooHeavy, Refusal
from services.segment.store.scope import Scope


@dataclass
class Answers:
    """The members found, and the segments that could not be answered, each with the reason."""

    members: dict[UUID, BitMap] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)


async def answer_apart(
    columnar: Columnar,
    segments: Sequence[LiveSegment],
    *,
    moment: Moment,
    scope: Scope,
    among: Callable[[UUID], BitMap],
    otherwise: Callable[[UUID], BitMap],
) -> Answers:
    """Return who of those each segment is asked about (`among`) is a member, at once where that goes, else in halves.

    `segments` come after those they refer to; who else is a member of any is `otherwise`'s to say.
    """
    answers = Answers()

    def known(segment_id: UUID) -> BitMap:
        found = answers.members.get(segment_id)
        return otherwise(segment_id) if found is None else (otherwise(segment_id) - among(segment_id)) | found

    waiting = [list(segments)] if segments else []
    while waiting:
        part = waiting.pop()
        inquiry = Inquiry(moment)
        formulas = ask_all(part, inquiry)
        try:
            atoms = await _ask(columnar, inquiry, scope, formulas, among)
        except (QueryTooHeavy, Refusal) as problem:
            if len(part) == 1:
                answers.failed[part[0].segment_id] = reason_of(problem)
                continue
            middle = len(part) // 2
            # the first half is taken next: the second may refer to it
            waiting += [part[middle:], part[:middle]]
        else:
            answers.members |= answer_all(part, formulas, atoms=atoms, among=among, otherwise=known)
    return answers


async def _ask(
    columnar: Columnar,
    inquiry: Inquiry,
    scope: Scope,
    formulas: Mapping[UUID, Formula],
    among: Callable[[UUID], BitMap],
) -> list[BitMap]:
    if scope.persons is None:
        return await ask(columnar, inquiry, scope, formulas.values())
    concerned = [BitMap() for _ in inquiry.questions]
    for segment_id, formula in formulas.items():
        for number in atoms_in(formula):
            concerned[number] |= among(segment_id)
    return await ask_few(columnar, inquiry, scope, concerned)


def reason_of(problem: QueryTooHeavy | Refusal) -> str:
    """Return what is shown of why a question was not answered."""
    return problem.detail if isinstance(problem, QueryTooHeavy) else "the columnar store does not take the question"
