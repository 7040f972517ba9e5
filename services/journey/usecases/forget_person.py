"""A person asked to be forgotten: his runs end and keep nothing of him."""

from datetime import datetime
from uuid import UUID

from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.db import Tx
from services.journey.store.person_moves import erase_person
from services.journey.store.persons import lock_persons
from services.journey.store.redirects import point_to

NOBODY = UUID(int=0)


async def forget_person(tx: Tx, event: PersonErased, *, now: datetime) -> None:
    """End the runs, delete the rest, and let what still comes under his number be nobody's."""
    workspace_id, person_no = event.workspace_id, event.person_no
    await lock_persons(tx, [(workspace_id, person_no)])
    await erase_person(tx, workspace_id=workspace_id, person_nos=[person_no], now=now)
    await point_to(
        tx, workspace_id=workspace_id, person_nos=[person_no], to_no=0, to_id=NOBODY, graph_version=event.graph_version
    )
