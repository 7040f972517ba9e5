"""Add the names and types that arrived to the catalogue."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.db import Tx
from services.identity.domain.learned import Entry
from services.identity.store import catalogue


async def learn_names(tx: Tx, learned: Sequence[tuple[Entry, int, list[str]]], now: datetime) -> None:
    """Save what was learned since the last time."""
    if learned:
        await catalogue.add(tx, learned, now)
