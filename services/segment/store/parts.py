"""What only this service has in its hands: the columnar store and its picture of each workspace."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from pyroaring import BitMap

from libs.common.db import Tx
from services.segment.domain.patience import Patience
from services.segment.domain.world import World
from services.segment.store.columnar import Columnar
from services.segment.store.memberships import read_round
from services.segment.store.worlds import load_world


@dataclass(eq=False)
class Watch:
    """Whom rounds asked again while somebody asks beside them; `is_upset` once rows were laid elsewhere, or wiped."""

    touched: BitMap = field(default_factory=BitMap)
    is_upset: bool = False

    def take(self) -> BitMap:
        """Return them, and begin anew."""
        touched, self.touched = self.touched, BitMap()
        return touched


@dataclass
class SegmentParts:
    """The columnar store; pictures of workspaces; a lock for each, as its blocks and rounds go in order; whose turn."""

    columnar: Columnar
    worlds: dict[int, World] = field(default_factory=dict)
    locks: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    patience: Patience = field(default_factory=Patience)
    watches: defaultdict[int, list[Watch]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def watch(self, workspace_id: int) -> Iterator[Watch]:
        """Watch what rounds and others do to the columnar rows of a workspace while something is asked beside them."""
        watch = Watch()
        self.watches[workspace_id].append(watch)
        try:
            yield watch
        finally:
            self.watches[workspace_id].remove(watch)

    def note_touched(self, workspace_id: int, person_nos: Iterable[int]) -> None:
        """Tell who watches whom a round asks again."""
        for watch in self.watches[workspace_id]:
            watch.touched.update(person_nos)

    def upset(self, workspace_id: int) -> None:
        """Tell who watches that rows change otherwise than by facts about the persons touched."""
        for watch in self.watches[workspace_id]:
            watch.is_upset = True

    async def world(self, tx: Tx, workspace_id: int, *, now: datetime) -> World:
        """Return the present picture: the one in memory while nobody else changed what it shows."""
        known = self.worlds.get(workspace_id)
        if known is not None and (await read_round(tx, workspace_id, now=now))[1] == known.revision:
            return known
        fresh = await load_world(tx, workspace_id, now=now)
        self.worlds[workspace_id] = fresh
        return fresh
