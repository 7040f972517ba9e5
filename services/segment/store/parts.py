"""What only this service has in its hands: the columnar store and its picture of each workspace."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from libs.common.db import Tx
from services.segment.domain.patience import Patience
from services.segment.domain.world import World
from services.segment.store.columnar import Columnar
from services.segment.store.memberships import read_round
from services.segment.store.worlds import load_world


@dataclass
class SegmentParts:
    """The columnar store; pictures of workspaces; a lock for each, as its blocks and rounds go in order; whose turn."""

    columnar: Columnar
    worlds: dict[int, World] = field(default_factory=dict)
    locks: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    patience: Patience = field(default_factory=Patience)

    async def world(self, tx: Tx, workspace_id: int, *, now: datetime) -> World:
        """Return the present picture: the one in memory while nobody else changed what it shows."""
        known = self.worlds.get(workspace_id)
        if known is not None and (await read_round(tx, workspace_id, now=now))[1] == known.revision:
            return known
        fresh = await load_world(tx, workspace_id, now=now)
        self.worlds[workspace_id] = fresh
        return fresh
