"""Persons are there: whoever of them had ended in another is himself again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.sides import Pointer
from services.journey.store.persons import lock_everybody
from services.journey.store.redirects import known_of
from services.journey.usecases.follow_graph import NEVER_HEARD, follow_graph


async def follow_returns(tx: Tx, events: Sequence[PersonCreated], *, now_of: Callable[[int], datetime]) -> int:
    """Give who is back what is of his side, and return how many are; of others nothing is kept.

    A person whom only a device brings back is told of by nothing else.
    """
    count = 0
    for workspace_id, group in groupby(sorted(events, key=_order), key=lambda event: event.workspace_id):
        told = list(group)
        known = await known_of(tx, workspace_id, [event.person_no for event in told])
        back = [event for event in told if event.revived or known.get(event.person_no, NEVER_HEARD).into_no]
        if back:
            await lock_everybody(tx, [workspace_id])
        for event in back:
            pointer = Pointer(event.person_no, 0, event.graph_version)
            ids = {event.person_no: event.person_id}
            await follow_graph(tx, workspace_id, [pointer], (), ids, now=now_of(workspace_id))
        count += len(back)
    return count


def _order(event: PersonCreated) -> tuple[int, int]:
    return event.workspace_id, event.graph_version
