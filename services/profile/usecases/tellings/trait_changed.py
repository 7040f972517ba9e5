"""Every trait a person has, or had and lost, as it was last said."""

import base64
from typing import Any

import msgspec

from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.ids import fact_id
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.domain.values import canonical, parse_json
from services.profile.store.telling import traits_from


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[int, str]) or (0, "")
    rows = await traits_from(tx, workspace_id, after=position, limit=limit)
    events = [
        TraitChanged(
            id=fact_id("trait", workspace_id, row["person_no"], row["trait"], row["version"]),
            workspace_id=workspace_id,
            person_no=row["person_no"],
            received_at=row["received_at"],
            occurred_at=row["since"],
            name=row["trait"],
            version=row["version"],
            since=row["since"],
            # jsonb orders keys and writes numbers in its own way
            value=msgspec.Raw(canonical(parse_json(row["value"])) if row["value"] is not None else b"null"),
            sealed=base64.b64encode(row["sealed"]).decode("ascii") if row["sealed"] is not None else None,
            removed=row["value"] is None and row["sealed"] is None,
        )
        for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("person_no", "trait"))


telling = Telling(TraitChanged, _part)
