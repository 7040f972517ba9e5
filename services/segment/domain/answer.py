"""From answers to changes of membership: who entered, who exited, and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pyroaring import BitMap

from libs.common.contracts.segment.cause import Cause
from services.segment.domain.condition import Inquiry
from services.segment.domain.formula import Formula, Members, evaluate
from services.segment.domain.world import LiveSegment


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a person was asked again; `silent` changes are not told."""

    cause: Cause
    received_at: datetime
    concern: str = ""
    cause_event_id: UUID | None = None
    silent: bool = False


@dataclass(frozen=True)
class Change:
    """What a round changes in one segment."""

    segment: LiveSegment
    entered: BitMap
    exited: BitMap


def ask_all(segments: Sequence[LiveSegment], inquiry: Inquiry) -> dict[UUID, Formula]:
    """Put the questions of several segments; return what each means."""
    return {segment.segment_id: segment.definition.formula(inquiry) for segment in segments}


def answer_all(
    segments: Sequence[LiveSegment],
    formulas: Mapping[UUID, Formula],
    *,
    atoms: Sequence[BitMap],
    among: Callable[[UUID], BitMap],
    otherwise: Callable[[UUID], BitMap],
) -> dict[UUID, BitMap]:
    """Return who of those a segment is asked about (`among`) is a member now, segment by segment in the order given.

    Whoever a segment that is referred to is not asked about stands there as he stood (`otherwise`).
    """
    now: dict[UUID, BitMap] = {}
    for segment in segments:
        asked = among(segment.segment_id)

        def members(part: Members, asked: BitMap = asked) -> BitMap:
            stood = otherwise(part.segment_id) & asked
            found = now.get(part.segment_id)
            return stood if found is None else (stood - among(part.segment_id)) | (found & asked)

        found = evaluate(formulas[segment.segment_id], atoms=atoms, universe=asked, members=members)
        now[segment.segment_id] = segment.with_lists(found, asked)
    return now


def answer_one(
    definition_formula: Formula,
    *,
    atoms: Sequence[BitMap],
    among: BitMap,
    members: Mapping[UUID, BitMap],
) -> BitMap:
    """Return who of `among` a formula holds for; a segment that is not live has no members."""
    return evaluate(
        definition_formula,
        atoms=atoms,
        universe=among,
        members=lambda part: members.get(part.segment_id, BitMap()),
    )


def reason_for(segment: LiveSegment, reasons: Iterable[Reason], *, time: Reason) -> Reason:
    """Return the first reason that concerns the segment, else any, else time."""
    known = list(reasons)
    fitting = [reason for reason in known if reason.concern and segment.concerned_by(reason.concern)]
    if fitting:
        return fitting[0]
    sweeping = [reason for reason in known if not reason.concern]
    if sweeping:
        return sweeping[0]
    return time if segment.edges or not known else known[0]
