"""Bring the columnar store up to everything committed: cut blocks, insert each exactly once, settle."""

from libs.common.db import Database
from libs.common.personal import Sealer
from services.segment.store.columnar import Columnar
from services.segment.store.staging import Block, content, cut_blocks, settle_block


async def insert_blocks(database: Database, columnar: Columnar, *, workspace_id: int, sealer: Sealer) -> int:
    """Insert all that is staged; return how many blocks went in.

    It runs outside a transaction because the columnar store is remote: a block is cut and committed first, so that
    after a crash the identical block is sent again and the token keeps it single.
    """
    async with database.transaction(workspace_id) as tx:
        blocks = await cut_blocks(tx, workspace_id)
    for block in blocks:
        await _insert(database, columnar, workspace_id, block, sealer)
    return len(blocks)


async def _insert(database: Database, columnar: Columnar, workspace_id: int, block: Block, sealer: Sealer) -> None:
    async with database.transaction(workspace_id) as tx:
        pieces = await content(tx, workspace_id, block.block_no)
    if pieces:
        lines = b"\n".join(sealer.open(piece) if sealed else piece for piece, sealed in pieces)
        await columnar.insert(block.target, lines, token=f"{workspace_id}.{block.block_no}")
    async with database.transaction(workspace_id) as tx:
        await settle_block(tx, workspace_id, block.block_no)
