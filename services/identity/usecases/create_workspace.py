from datetime import datetime

from libs.common.access.model import Workspace
from libs.common.db import Tx
from libs.common.personal import Vault
from services.identity.store import access


async def create_workspace(
    tx: Tx,
    *,
    vault: Vault,
    key: str,
    name: str,
    timezone: str,
    settings: dict[str, object],
    driven_now: datetime | None,
) -> Workspace:
    """Make a workspace with a data key of its own; Conflict when the key is taken."""
    await access.assert_workspace_key_free(tx, key)
    workspace = Workspace(
        workspace_id=await access.next_workspace_id(tx),
        key=key,
        name=name,
        timezone=timezone,
        settings=settings,
        data_keys={"1": vault.new_data_key()},
        driven_now=driven_now,
    )
    await access.keep(tx, workspace)
    return workspace
