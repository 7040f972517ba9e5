"""Another calendar of a workspace: who was in by the days of the old one may be out, or in."""

from dataclasses import replace

from libs.common.db import Tx
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition
from services.segment.domain.moment import Moment
from services.segment.domain.world import World
from services.segment.store import calendars, memberships, recomputes


async def take_calendar(tx: Tx, *, world: World, moment: Moment) -> None:
    """Note the moment's calendar, and ask the segments that it changes a question of for everybody again."""
    workspace_id = world.workspace_id
    await calendars.keep(tx, workspace_id, moment.calendar)
    # whoever still answers by the old one does not settle
    await memberships.disturb(tx, workspace_id)
    before = world.calendar
    if before is None:
        return
    # what is asked alike at the last answered instant is answered alike, and from there on the clock's edges are new
    last = replace(moment, now=world.evaluated_until)
    changed = [
        (segment.segment_id, segment.version)
        for segment in world.segments.values()
        if not segment.is_frozen and _asked(segment.definition, last) != _asked(segment.definition, last.by(before))
    ]
    await recomputes.ask_again(tx, workspace_id, changed)


def _asked(definition: Definition, moment: Moment) -> object:
    inquiry = Inquiry(moment)
    return definition.formula(inquiry), inquiry.questions, inquiry.bind.parameters
