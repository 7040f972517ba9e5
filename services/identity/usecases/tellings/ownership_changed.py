"""Who owned every identifier, from which version on."""

import base64
from datetime import datetime
from typing import Any

from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.painting import BEGINNING
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.identity.domain.persons import ownership_id
from services.identity.store.telling import ownership_from


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, int, datetime]) or (0, -1, BEGINNING)
    rows = await ownership_from(tx, workspace_id, after=position, limit=limit)
    events = [
        OwnershipChanged(
            id=ownership_id(workspace_id, row["node_no"], row["version"], row["person_no"], row["since"], row["until"]),
            workspace_id=workspace_id,
            person_no=row["person_no"],
            person_id=row["person_id"],
            received_at=row["recorded_at"],
            occurred_at=row["since"] or row["recorded_at"],
            subject_no=row["node_no"],
            version=row["version"],
            namespace=row["namespace"],
            scope=row["scope"],
            lookup=row["lookup"],
            sealed_value=base64.b64encode(row["sealed"]).decode("ascii"),
            since=row["since"],
            until=row["until"],
            from_person_no=row["from_person_no"],
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("node_no", "version", "place"))


telling = Telling(OwnershipChanged, _part)
