"""Every permission as it was last said."""

from typing import Any

from libs.common.contracts.profile.permission_changed import PermissionChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.domain.keys import SubjectKey
from services.profile.store.permissions import Told, permissions_from, steps_of
from services.profile.usecases.tell_permissions import permission_event


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str]) or (0, "")
    rows = await permissions_from(tx, workspace_id, after=position, limit=limit)
    told = [
        Told(
            SubjectKey(workspace_id, row["subject_no"]),
            row["purpose"],
            steps_of(row["steps"]),
            row["version"],
            row["received_at"],
        )
        for row in rows
    ]
    return part_of(lines_of([permission_event(one) for one in told]), rows, limit, ("subject_no", "purpose"))


telling = Telling(PermissionChanged, _part)
