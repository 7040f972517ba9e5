"""Several persons turned out to be one: their runs become his, and nobody enters again because of it."""

from datetime import datetime

from libs.common import outbox
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.db import Tx
from services.journey.store.person_moves import EndedRun, move_person
from services.journey.store.persons import lock_persons
from services.journey.store.redirects import outdated, point_to, present_of


async def follow_merge(tx: Tx, event: PersonMerged, *, now: datetime) -> None:
    """Move what belonged to the absorbed persons; of two live runs with one key the earlier entry stays."""
    workspace_id, version = event.workspace_id, event.graph_version
    absorbed = [person.person_no for person in event.absorbed]
    await lock_persons(tx, [(workspace_id, person_no) for person_no in (*absorbed, event.person_no)])
    stale = await outdated(tx, workspace_id=workspace_id, person_nos=absorbed, graph_version=version)
    moving = [person_no for person_no in absorbed if person_no not in stale]
    if not moving:
        return
    to_no, to_id = await present_of(
        tx, workspace_id=workspace_id, person_no=event.person_no, person_id=event.person_id, graph_version=version
    )
    await point_to(tx, workspace_id=workspace_id, person_nos=moving, to_no=to_no, to_id=to_id, graph_version=version)
    ended = await move_person(
        tx, workspace_id=workspace_id, from_nos=moving, to_no=to_no, to_id=to_id, subject_nos=None, now=now
    )
    await outbox.add(tx, [_progress(workspace_id, run, now) for run in ended])


def _progress(workspace_id: int, run: EndedRun, now: datetime) -> RunProgressed:
    return RunProgressed(
        workspace_id=workspace_id, person_no=run.person_no, received_at=now, occurred_at=now, run_id=run.run_id,
        journey_id=run.journey_id, journey_version=run.version, person_id=run.person_id, state="exited",
        sequence=run.sequence, node=run.node, reason="merged", arm=run.arm, converted=run.converted,
    )  # fmt: skip
