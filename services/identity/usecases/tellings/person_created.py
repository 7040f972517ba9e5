"""Every person that is or was."""

from typing import Any

from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.ids import fact_id
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.identity.store.telling import persons_from


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int])
    rows = await persons_from(tx, workspace_id, after=position[0] if position else 0, limit=limit)
    events = [
        PersonCreated(
            id=fact_id("person", workspace_id, row["person_no"], 0),
            workspace_id=workspace_id,
            person_no=row["person_no"],
            person_id=row["person_id"],
            received_at=row["created_at"],
            occurred_at=row["created_at"],
            graph_version=row["graph_version"],
        )
        # who ended in a merge is told of by the merge
        for row in rows
        if row["state"] == "active"
    ]
    return part_of(lines_of(events), rows, limit, ("person_no",))


telling = Telling(PersonCreated, _part)
