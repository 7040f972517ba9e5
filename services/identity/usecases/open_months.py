"""Make the partitions into which events will go."""

from collections.abc import Iterable
from datetime import datetime

from libs.common.db import Tx
from services.identity.store import event_log


async def open_months(tx: Tx, instants: Iterable[datetime]) -> None:
    """Make the month around each instant, in a transaction of its own: others wait for its commit."""
    for instant in sorted(instants):
        await event_log.ensure_month(tx, instant)
