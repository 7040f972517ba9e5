"""One person turned out to be several: a run stays with the side that holds the identifier it was entered by."""

from datetime import datetime

from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from services.journey.store.person_moves import move_person
from services.journey.store.persons import lock_persons
from services.journey.store.redirects import give_subjects, outdated, point_to, present_of


async def follow_split(tx: Tx, event: PersonSplit, *, now: datetime) -> None:
    """Give each part the runs of its identifiers; nobody is entered anew."""
    workspace_id, version = event.workspace_id, event.graph_version
    parts = [part.person_no for part in event.parts]
    await lock_persons(tx, [(workspace_id, person_no) for person_no in (*parts, event.person_no)])
    stale = await outdated(tx, workspace_id=workspace_id, person_nos=parts, graph_version=version)
    from_no, _ = await present_of(
        tx, workspace_id=workspace_id, person_no=event.person_no, person_id=event.person_id, graph_version=version
    )
    for part in event.parts:
        if part.person_no in stale:
            continue
        to_no, to_id = part.person_no, part.person_id
        await give_subjects(
            tx, workspace_id=workspace_id, subject_nos=part.subject_nos, from_no=event.person_no, to_no=to_no,
            to_id=to_id, graph_version=version,
        )  # fmt: skip
        await point_to(
            tx, workspace_id=workspace_id, person_nos=[to_no], to_no=to_no, to_id=to_id, graph_version=version
        )
        await move_person(
            tx, workspace_id=workspace_id, from_nos=[from_no], to_no=to_no, to_id=to_id,
            subject_nos=part.subject_nos, now=now,
        )  # fmt: skip
