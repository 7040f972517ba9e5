"""A columnar store that is not the one this database knows is empty or foreign: it is rebuilt, never believed."""

import logging

from libs.common.db import Database
from libs.common.ids import new_id
from services.segment.store import rebuilds
from services.segment.store.columnar import Columnar

log = logging.getLogger(__name__)


async def adopt_store(database: Database, columnar: Columnar) -> bool:
    """Compare the store's mark with the one remembered; return whether all workspaces have to be rebuilt."""
    mark = await columnar.mark()
    async with database.transaction(()) as tx:
        known = await rebuilds.known_store(tx)
    if mark is not None and mark == known:
        return False
    if mark is None:
        mark = new_id()
        await columnar.give_mark(mark)
    async with database.transaction(()) as tx:
        if await rebuilds.known_store(tx) == mark:
            return False
        workspaces = await rebuilds.all_workspaces(tx)
        if known is not None:
            log.error("the columnar store is another one than before: it is rebuilt from the owners")
            await rebuilds.request(tx, workspaces, reason="the columnar store was new")
        await rebuilds.keep_store(tx, mark)
    return known is not None
