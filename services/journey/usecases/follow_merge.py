"""Several persons turned out to be one: their runs become his, and nobody enters again because of it."""

from datetime import datetime

from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx
from libs.common.sides import Pointer
from services.journey.usecases.follow_graph import follow_graph


async def follow_merge(tx: Tx, event: PersonMerged, *, now: datetime) -> None:
    """Move what belonged to the absorbed persons; of two live runs with one key the earlier entry stays."""
    version = event.graph_version
    pointers = [
        Pointer(event.person_no, 0, version),
        *(Pointer(one.person_no, event.person_no, version) for one in event.absorbed),
    ]
    await follow_graph(tx, event.workspace_id, pointers, (), {event.person_no: event.person_id}, now=now)
