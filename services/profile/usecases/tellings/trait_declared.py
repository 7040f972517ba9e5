"""The type every rule declares, as it was last said."""

from typing import Any

from libs.common.contracts.profile.trait_declared import TraitDeclared
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of, part_of
from libs.common.runtime import Runtime
from services.profile.store.trait_rules import rules_from
from services.profile.usecases.set_rule import trait_declared


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    position = decode_cursor(after, tuple[str]) or ("",)
    rows = await rules_from(tx, workspace_id, after=position[0], limit=limit)
    events = [
        trait_declared(workspace_id, row["trait"], row["type"], row["version"], row["changed_at"]) for row in rows
    ]
    return part_of(lines_of(events), rows, limit, ("trait",))


telling = Telling(TraitDeclared, _part)
