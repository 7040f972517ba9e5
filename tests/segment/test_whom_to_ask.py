"""Asking each segment about those that concern it alone leaves everybody where asking all of all would."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segment.conditions.catalogue import grammar
from services.segment.domain.answer import Reason, answer_all, ask_all
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import parse_definition
from services.segment.domain.formula import atoms_in
from services.segment.domain.moment import Moment
from services.segment.domain.world import LiveSegment, World
from services.segment.usecases.answer_touches import Touched

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("bought", "seen", "left")
PERSONS = range(1, 9)

facts = st.frozensets(st.tuples(st.sampled_from(PERSONS), st.sampled_from(NAMES)))
leaves = st.sampled_from([{"did": name} for name in NAMES])
parts = st.one_of(leaves, st.integers(0, 4))


@st.composite
def bodies(draw):
    """Definitions over events and over the segments before them, given by their position."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        group = draw(st.sampled_from(["all", "any", "none"]))
        inner = []
        for part in draw(st.lists(parts, min_size=1, max_size=3)):
            if isinstance(part, dict):
                inner.append(part)
            elif number:
                key = draw(st.sampled_from(["in_segment", "not_in_segment"]))
                inner.append({key: str(UUID(int=part % number + 1))})
        found.append({group: inner or [{"did": NAMES[0]}]})
    return found


def live(given_bodies):
    return {
        UUID(int=number): LiveSegment(UUID(int=number), 1, parse_definition(body, grammar()))
        for number, body in enumerate(given_bodies, start=1)
    }


def answered(world, segments, among, state, noise):
    """Answer as the store would of those asked, and anything (`noise`) of everybody else."""
    inquiry = Inquiry(Moment(NOW))
    formulas = ask_all(segments, inquiry)
    asked = [BitMap() for _ in inquiry.questions]
    for segment_id, formula in formulas.items():
        for number in atoms_in(formula):
            asked[number] |= among(segment_id)
    atoms = []
    for number, question in enumerate(inquiry.questions):
        true = BitMap(person for person, name in state if (name,) == question.names)
        atoms.append((true & asked[number]) | (noise - asked[number]))
    return answer_all(
        segments, formulas, atoms=atoms, among=among, otherwise=lambda other: world.segments[other].members
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies(), st.lists(st.tuples(facts, st.frozensets(st.sampled_from(PERSONS))), min_size=1, max_size=4))
def test_who_is_not_asked_would_have_answered_as_before(given_bodies, steps):
    segments = live(given_bodies)
    world, state = World(1, 0, NOW, BitMap(), segments), frozenset()
    for said, newcomers in steps:
        after = frozenset(one for one in said if one[0] in world.universe or one[0] in newcomers)
        reasons = {}
        for person, name in state ^ after:
            reasons.setdefault(person, []).append(Reason("event", NOW, f"event:{name}"))
        new = BitMap(newcomers) - world.universe
        touched = Touched(reasons=reasons, newcomers=new)
        world.universe |= new
        state = after
        whom = world.concerned(touched.concerns, moved={})
        chosen = [segments[segment_id] for segment_id in whom]
        found = answered(world, chosen, whom.__getitem__, state, noise=BitMap(PERSONS))
        for segment_id, members in found.items():
            segment = segments[segment_id]
            segment.members = (segment.members - whom[segment_id]) | members
        everybody = answered(world, list(segments.values()), lambda _: world.universe, state, noise=BitMap())
        assert {one: segments[one].members for one in segments} == everybody
