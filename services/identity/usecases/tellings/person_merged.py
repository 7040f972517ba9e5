"""Every person that ended, with whom he ended in: a merge a person, as it was told when it happened."""

from typing import Any

from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.ids import fact_id
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.identity.store.telling import ended_from


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int])
    rows = await ended_from(tx, workspace_id, after=position[0] if position else 0, limit=limit)
    events = [
        PersonMerged(
            id=fact_id("merge", workspace_id, row["person_no"], row["survivor_no"], row["graph_version"]),
            workspace_id=workspace_id,
            person_no=row["survivor_no"],
            person_id=row["survivor_id"],
            received_at=row["created_at"],
            occurred_at=row["created_at"],
            absorbed=(Absorbed(row["person_no"], row["person_id"]),),
            graph_version=row["graph_version"],
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("person_no",))


telling = Telling(PersonMerged, _part)
