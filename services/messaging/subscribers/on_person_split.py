"""One person turned out to be several: those who left are themselves again."""

from itertools import groupby

from libs.common.bus import Subscription
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.runtime import Runtime
from libs.common.sides import Departure, Pointer
from services.messaging.clients.parts import Parts
from services.messaging.usecases.follow_graph import follow_graph


async def handle(tx: Tx, events: list[PersonSplit], runtime: Runtime[Parts]) -> None:
    """Give each part what is its own: from before they were one, and what its identifiers were sent since."""
    del runtime
    for workspace_id, group in groupby(sorted(events, key=_order), key=lambda event: event.workspace_id):
        splits = list(group)
        # Who stays is not said to be himself: in the same version he may have ended in another.
        pointers = [Pointer(part.person_no, 0, event.graph_version) for event in splits for part in event.parts]
        departures = [
            Departure(event.person_no, part.person_no, frozenset(part.subject_nos))
            for event in splits
            for part in event.parts
        ]
        await follow_graph(tx, workspace_id, pointers, departures)


def _order(event: PersonSplit) -> tuple[int, int]:
    return event.workspace_id, event.graph_version


subscription = Subscription(contract=PersonSplit, handle=handle, name="on_person_split")
