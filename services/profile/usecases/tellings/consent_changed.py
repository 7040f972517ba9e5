"""Every consent as it was last said."""

from typing import Any

from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.domain.consent import Scope
from services.profile.domain.consent_outlook import Outlook
from services.profile.domain.keys import PersonKey
from services.profile.store.consents import Published
from services.profile.store.telling import consents_from
from services.profile.usecases.refold_consents import consent_said


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str, str, str]) or (0, "", "", "")
    rows = await consents_from(tx, workspace_id, after=position, limit=limit)
    events = [
        consent_said(
            PersonKey(workspace_id, row["person_no"]),
            Scope(row["purpose"], row["channel"], row["topic"]),
            Published(Outlook(row["state"], row["since"], row["until"], row["after"], row["is_named"]), row["version"]),
            received_at=row["since"],
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("person_no", "purpose", "channel", "topic"))


telling = Telling(ConsentChanged, _part)
