from typing import Any

import msgspec

from libs.common.access.model import Workspace
from libs.common.db import Tx
from libs.common.errors import NotFound
from services.identity.store import access


async def update_workspace(tx: Tx, *, workspace_id: int, changes: dict[str, Any]) -> Workspace:
    """Change a workspace's name, time zone, status or settings (settings are merged by name; null removes)."""
    workspace = await access.workspace_to_change(tx, workspace_id)
    if workspace is None:
        raise NotFound("there is no such workspace")
    if "settings" in changes:
        merged = {**workspace.settings, **changes["settings"]}
        changes = {**changes, "settings": {name: value for name, value in merged.items() if value is not None}}
    changed = msgspec.structs.replace(workspace, **changes, version=workspace.version + 1)
    await access.keep(tx, changed)
    return changed
