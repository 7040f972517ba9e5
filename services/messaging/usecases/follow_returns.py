"""Persons are there: whoever of them had ended in another is himself again."""

from collections.abc import Sequence
from itertools import groupby

from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.sides import Pointer
from services.messaging.store.redirects import known_of
from services.messaging.usecases.follow_graph import NEVER_HEARD, follow_graph


async def follow_returns(tx: Tx, events: Sequence[PersonCreated]) -> None:
    """Give who is back what is of his side; of others nothing is kept.

    A person whom only a device brings back is told of by nothing else.
    """
    for workspace_id, group in groupby(sorted(events, key=_workspace), key=_workspace):
        told = list(group)
        known = await known_of(tx, workspace_id, [event.person_no for event in told])
        back = [event for event in told if event.revived or known.get(event.person_no, NEVER_HEARD).into_no]
        if back:
            await follow_graph(tx, workspace_id, [Pointer(one.person_no, 0, one.graph_version) for one in back])


def _workspace(event: PersonCreated) -> int:
    return event.workspace_id
