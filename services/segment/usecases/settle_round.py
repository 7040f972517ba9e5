"""The end of a round: it is settled if nobody else settled meanwhile, and then the picture in memory has it."""

from collections.abc import Sequence
from datetime import datetime

from pyroaring import BitMap

from libs.common.db import Tx
from services.segment.domain.answer import Change
from services.segment.domain.world import World
from services.segment.store import memberships
from services.segment.store.rebuilds import is_open
from services.segment.usecases.settle_changes import apply_change


class SettledElsewhereError(Exception):
    """Another process settled this workspace, or its segments were changed, while the round ran: it is done again."""


async def settle_round(tx: Tx, world: World, *, now: datetime) -> None:
    """Note how far a workspace is answered; SettledElsewhereError when what was asked may not be true any more."""
    settled = await memberships.settle_round(tx, world.workspace_id, revision=world.revision, now=now)
    # a rebuild that began meanwhile may have wiped what was asked
    if not settled or await is_open(tx, world.workspace_id):
        raise SettledElsewhereError(world.workspace_id)


def apply_round(
    world: World, changes: Sequence[Change], vanished: BitMap, now: datetime, *, upcoming_stays: bool = False
) -> None:
    """Let the picture in memory have what is settled."""
    for change in changes:
        apply_change(change)
    for segment in world.segments.values() if vanished else ():
        segment.members -= vanished
    world.revision += 1
    world.evaluated_until = now
    world.upcoming_known = upcoming_stays
