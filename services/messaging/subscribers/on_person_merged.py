"""Persons turned out to be one."""

from itertools import groupby

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx
from libs.common.runtime import Runtime
from libs.common.sides import Pointer
from services.messaging.clients.parts import Parts
from services.messaging.usecases.follow_graph import follow_graph


async def handle(tx: Tx, events: list[PersonMerged], runtime: Runtime[Parts]) -> None:
    """Add the counts of the merged; what both are to get is sent once."""
    del runtime
    for workspace_id, group in groupby(sorted(events, key=_workspace), key=_workspace):
        await follow_graph(tx, workspace_id, [pointer for event in group for pointer in _pointers(event)])


def _workspace(event: PersonMerged) -> int:
    return event.workspace_id


def _pointers(event: PersonMerged) -> list[Pointer]:
    version = event.graph_version
    return [
        Pointer(event.person_no, 0, version),
        *(Pointer(one.person_no, event.person_no, version) for one in event.absorbed),
    ]


subscription = Subscription(contract=PersonMerged, handle=handle, again=handle, name="on_person_merged")
