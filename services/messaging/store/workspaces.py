"""The workspace's present, as the database has it."""

from datetime import datetime

from libs.common.db import Tx, statement

_NOW = statement("select workspace_now(:workspace_id)")


async def present(tx: Tx, workspace_id: int) -> datetime:
    """Return the workspace's time: driven, or the database's."""
    now: datetime = await tx.fetch_value(_NOW, workspace_id=workspace_id)
    return now
