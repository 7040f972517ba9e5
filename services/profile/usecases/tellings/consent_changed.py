"""Every consent as it was last said."""

from typing import Any

from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.ids import fact_id
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.store.telling import consents_from


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str, str, str]) or (0, "", "", "")
    rows = await consents_from(tx, workspace_id, after=position, limit=limit)
    events = [
        ConsentChanged(
            id=fact_id(
                "consent", workspace_id, row["person_no"], row["purpose"], row["channel"], row["topic"], row["version"]
            ),
            workspace_id=workspace_id,
            person_no=row["person_no"],
            received_at=row["since"],
            occurred_at=row["since"],
            purpose=row["purpose"],
            channel=row["channel"],
            topic=row["topic"],
            state=row["state"],
            version=row["version"],
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("person_no", "purpose", "channel", "topic"))


telling = Telling(ConsentChanged, _part)
