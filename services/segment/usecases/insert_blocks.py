"""Bring the columnar store up to everything committed: cut blocks, insert each exactly once, settle."""

import asyncio

from libs.common.db import Database
from libs.common.personal import Sealer
from services.segment.store.columnar import Columnar
from services.segment.store.rebuilds import must_wait
from services.segment.store.staging import Block, content, cut_blocks, hold_block, hold_staged, settle_block

OF_OWNERS = ("override", "override_span")
"""What says whose an event is."""


async def insert_blocks(
    database: Database,
    columnar: Columnar,
    *,
    workspace_id: int,
    sealer: Sealer,
    owners_are_in: asyncio.Event | None = None,
) -> int | None:
    """Insert all that is staged; return how many blocks went in, None when none may: the store is to be wiped.

    A block is cut and committed first, so that after a crash the identical block is sent again and the token keeps it
    single. `owners_are_in` is set as soon as nothing more goes in that says whose an event is.
    """
    try:
        async with database.transaction(workspace_id) as tx:
            # held before it is asked: a rebuild that begins meanwhile wipes what is staged from then on and cut by us
            await hold_staged(tx, workspace_id)
            if await must_wait(tx, workspace_id):
                return None
            blocks = await cut_blocks(tx, workspace_id)
        of_owners = [block for block in blocks if block.target in OF_OWNERS]
        for block in of_owners:
            await _insert(database, columnar, workspace_id, block, sealer)
    finally:
        if owners_are_in is not None:
            owners_are_in.set()
    for block in blocks:
        if block.target not in OF_OWNERS:
            await _insert(database, columnar, workspace_id, block, sealer)
    return len(blocks)


async def _insert(database: Database, columnar: Columnar, workspace_id: int, block: Block, sealer: Sealer) -> None:
    # The transaction stays open while the block goes in: its row is held, so that one process alone writes it, and a
    # rebuild that forgets what is on its way waits for it instead of wiping before it arrives.
    async with database.transaction(workspace_id) as tx:
        if not await hold_block(tx, workspace_id, block.block_no):
            return
        pieces = await content(tx, workspace_id, block.block_no)
        if pieces:
            lines = b"\n".join(sealer.open(piece) if sealed else piece for piece, sealed in pieces)
            await columnar.insert(block.target, lines, token=f"{workspace_id}.{block.block_no}")
        await settle_block(tx, workspace_id, block.block_no)
