"""in_segment, not_in_segment, manual_only: answered from bitmaps, never from the store."""

from dataclasses import dataclass
from uuid import UUID

from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, negate
from services.segment.domain.formula import NOBODY, Formula, Members
from services.segment.domain.reader import Reader
from services.segment.domain.shape import UUID_TEXT, Example, Shape


@dataclass(frozen=True)
class InSegment(Condition):
    """The person is (not) a member of another segment."""

    segment_id: UUID
    negated: bool = False

    def formula(self, inquiry: Inquiry) -> Formula:  # noqa: ARG002 - the shape of every one
        """Ask the store; return whom it holds for."""
        return negate(Members(self.segment_id), when=self.negated)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns(segments=frozenset({self.segment_id}))


@dataclass(frozen=True)
class ManualOnly(Condition):
    """Nobody by rule: only who is on the segment's include list."""

    def formula(self, inquiry: Inquiry) -> Formula:  # noqa: ARG002 - the shape of every one
        """Ask the store; return whom it holds for."""
        return NOBODY

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return Concerns()


def _parse(reader: Reader, _grammar: Grammar) -> Condition:
    if "manual_only" in reader.members():
        reader.only("manual_only")
        given = reader.at("manual_only")
        if given.flag() is not True:
            raise given.refuse("true is expected")
        return ManualOnly()
    key = "in_segment" if "in_segment" in reader.members() else "not_in_segment"
    reader.only(key)
    given = reader.need(key)
    try:
        return InSegment(UUID(given.text()), key == "not_in_segment")
    except ValueError:
        raise given.refuse("the id of a segment is expected") from None


condition = ConditionKind(
    ("in_segment", "not_in_segment", "manual_only"),
    _parse,
    (Shape({"in_segment": UUID_TEXT}), Shape({"not_in_segment": UUID_TEXT}), Shape({"manual_only": {"const": True}})),
    (
        Example("is in another segment", {"in_segment": "0190d6f2-0000-7000-8000-000000000001"}),
        Example("is not in it", {"not_in_segment": "0190d6f2-0000-7000-8000-000000000001"}),
        Example("nobody but who is on the list made by hand", {"manual_only": True}),
    ),
)
