"""Every channel on which a person has a usable address."""

from typing import Any

from libs.common.contracts.profile.contact_changed import ContactChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.domain.keys import PersonKey
from services.profile.store.contact_states import states_from
from services.profile.usecases.refold_contacts import contact_said


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str]) or (0, "")
    rows = await states_from(tx, workspace_id, after=position, limit=limit)
    events = [
        contact_said(
            PersonKey(workspace_id, row["person_no"]),
            row["channel"],
            usable=True,
            version=row["version"],
            at=row["received_at"],
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("person_no", "channel"))


telling = Telling(ContactChanged, _part)
