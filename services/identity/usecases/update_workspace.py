from typing import Any

import msgspec

from libs.common.access.model import Workspace
from libs.common.db import Tx
from services.identity.store import access


async def update_workspace(tx: Tx, *, workspace: Workspace, changes: dict[str, Any]) -> Workspace:
    """Change a workspace's name, time zone, status or settings (settings are merged by name; null removes)."""
    if "settings" in changes:
        merged = {**workspace.settings, **changes["settings"]}
        changes = {**changes, "settings": {name: value for name, value in merged.items() if value is not None}}
    changed = msgspec.structs.replace(workspace, **changes, version=workspace.version + 1)
    await access.keep(tx, changed)
    return changed
