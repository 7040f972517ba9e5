"""From answers to changes of membership: who entered, who exited, and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from pyroaring import BitMap

from libs.common.contracts.segment.cause import Cause
from services.segment.domain.condition import Inquiry
from services.segment.domain.edges import Passed
from services.segment.domain.formula import Formula, Members, evaluate
from services.segment.domain.world import LiveSegment


class Reason(msgspec.Struct, frozen=True, gc=False):
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


@dataclass
class Reasoning:
    """Why those who changed in a round did: what they were touched for, whom the clock moved, what else changed."""

    reasons: Mapping[int, Sequence[Reason]]
    moved: Mapping[Passed, BitMap]
    changes: Iterable[Change]
    time: Reason

    def __post_init__(self) -> None:
        self._changed = {change.segment.segment_id: change for change in self.changes}
        self._by_time: dict[UUID, BitMap] = {}

    def reason_for(self, segment: LiveSegment, person_no: int) -> Reason:
        """Return the first reason that concerns the segment, else one that concerns everything.

        Else it is time, if the clock moved the person for this segment; else what changed a segment it refers to.
        What is paused says nothing.
        """
        found = self._reason_for(segment, person_no)
        return msgspec.structs.replace(found, silent=True) if segment.is_paused else found

    def _reason_for(self, segment: LiveSegment, person_no: int) -> Reason:
        known = self.reasons.get(person_no, ())
        for reason in known:
            if reason.concern and segment.concerned_by(reason.concern):
                return reason
        for reason in known:
            if not reason.concern:
                return reason
        if person_no in self._moved_in(segment):
            return self.time
        for referred in sorted(segment.concerns.segments):
            change = self._changed.get(referred)
            if change and (person_no in change.entered or person_no in change.exited):
                return self._reason_for(change.segment, person_no)
        return known[0] if known else self.time

    def _moved_in(self, segment: LiveSegment) -> BitMap:
        found = self._by_time.get(segment.segment_id)
        if found is None:
            found = self._by_time[segment.segment_id] = BitMap.union(BitMap(), *segment.moved_by(self.moved))
        return found
