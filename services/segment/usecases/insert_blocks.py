"""Bring the columnar store up to everything committed: cut blocks, insert each exactly once, settle."""

from libs.common.db import Database
from libs.common.personal import Sealer
from services.segment.store.columnar import Columnar
from services.segment.store.rebuilds import must_wait
from services.segment.store.staging import Block, content, cut_blocks, hold_block, hold_staged, settle_block


async def insert_blocks(database: Database, columnar: Columnar, *, workspace_id: int, sealer: Sealer) -> int:
    """Insert all that is staged; return how many blocks went in.

    A block is cut and committed first, so that after a crash the identical block is sent again and the token keeps it
    single.
    """
    async with database.transaction(workspace_id) as tx:
        # held before it is asked: a rebuild that begins meanwhile wipes what is staged from then on and cut by us
        await hold_staged(tx, workspace_id)
        if await must_wait(tx, workspace_id):
            return 0
        blocks = await cut_blocks(tx, workspace_id)
    for block in blocks:
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
