"""Compute a version for everybody, aside; the old one answers until the swap."""

from services.segment.domain.answer import Change, answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.world import LiveSegment, World
from services.segment.store.asking import ask
from services.segment.store.columnar import Columnar
from services.segment.store.scope import Scope


async def recompute_segment(
    columnar: Columnar, world: World, segment: LiveSegment, *, merged: Moved | None, moment: Moment
) -> Change:
    """Return the change that brings `segment` (with the members it has now) to what its definition says."""
    inquiry = Inquiry(moment)
    formula = segment.definition.formula(inquiry)
    atoms = await ask(columnar, inquiry, Scope(world.workspace_id, merged), [formula])
    members = {other.segment_id: other.members for other in world.segments.values()}
    found = answer_one(formula, atoms=atoms, among=world.universe, members=members)
    after = segment.with_lists(found, world.universe)
    before = segment.members
    return Change(segment, after - before, before - after)
