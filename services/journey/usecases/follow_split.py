"""One person turned out to be several: a run stays with the side that holds the identifier it was entered by."""

from datetime import datetime

from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from libs.common.sides import Departure, Pointer
from services.journey.store.redirects import give_subjects
from services.journey.usecases.follow_graph import follow_graph


async def follow_split(tx: Tx, event: PersonSplit, *, now: datetime) -> None:
    """Give each part the runs of its side and its identifiers; nobody is entered anew."""
    workspace_id, version = event.workspace_id, event.graph_version
    for part in event.parts:
        await give_subjects(
            tx, workspace_id=workspace_id, subject_nos=part.subject_nos, from_no=event.person_no,
            to_no=part.person_no, to_id=part.person_id, graph_version=version,
        )  # fmt: skip
    # who stays is not said to be himself: in the same version he may have ended in another
    pointers = [Pointer(part.person_no, 0, version) for part in event.parts]
    departures = [Departure(event.person_no, part.person_no, frozenset(part.subject_nos)) for part in event.parts]
    ids = {part.person_no: part.person_id for part in event.parts}
    await follow_graph(tx, workspace_id, pointers, departures, ids, now=now)
