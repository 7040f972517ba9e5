"""The way into the columnar store: rows staged with the event, cut into blocks, inserted exactly once."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx, statement
from services.segment.store.rows import Target

MOST_ROWS_IN_A_BLOCK = 50_000

_STAGE = statement(
    """
    insert into segment.staged (workspace_id, target, row_count, event_ids, payload, sealed)
    values (:workspace_id, :target, :row_count, :event_ids, :payload, :sealed)
    """
)
_OPEN_BLOCKS = statement(
    """
    select block_no, target from segment.block
    where workspace_id = :workspace_id and inserted_at is null order by block_no
    """
)
_UNCUT = statement(
    """
    select distinct target from segment.staged where workspace_id = :workspace_id and block_no is null
    """
)
_CUT = statement(
    """
    with chosen as (
        select staged_no, row_count from (
            select staged_no, row_count, sum(row_count) over (order by staged_no) - row_count as rows_before
            from segment.staged
            where workspace_id = :workspace_id::int and target = :target::text and block_no is null
        ) as waiting
        where rows_before < :most_rows::bigint
    ), block as (
        insert into segment.block (workspace_id, target, row_count)
        select :workspace_id::int, :target::text, sum(row_count) from chosen having count(*) > 0
        returning block_no
    )
    update segment.staged set block_no = block.block_no
    from block, chosen
    where staged.workspace_id = :workspace_id::int and staged.staged_no = chosen.staged_no
    """
)
_CONTENT = statement(
    """
    select payload, sealed from segment.staged
    where workspace_id = :workspace_id and block_no = :block_no order by staged_no
    """
)
_SETTLE_STAGED = statement("delete from segment.staged where workspace_id = :workspace_id and block_no = :block_no")
_SETTLE_BLOCK = statement(
    """
    update segment.block set inserted_at = clock_timestamp()
    where workspace_id = :workspace_id and block_no = :block_no
    """
)
_HOLD = statement(
    """
    select true from segment.block
    where workspace_id = :workspace_id and block_no = :block_no and inserted_at is null for update
    """
)
_FORGET_BLOCKS = statement("delete from segment.block where workspace_id = :workspace_id and inserted_at is null")
_FORGET_STAGED = statement("delete from segment.staged where workspace_id = :workspace_id")
_LOCK = statement("select pg_advisory_xact_lock(7303, :workspace_id::int)")


@dataclass(frozen=True, slots=True)
class Block:
    """A block that is cut and not known to be inserted."""

    block_no: int
    target: str


async def stage(
    tx: Tx, workspace_id: int, target: Target, lines: bytes, *, rows: int, event_ids: list[UUID], sealed: bool = False
) -> None:
    """Keep rows for the columnar store; they commit with the facts they come from."""
    await tx.execute(
        _STAGE,
        workspace_id=workspace_id,
        target=target,
        row_count=rows,
        event_ids=event_ids,
        payload=lines,
        sealed=sealed,
    )


async def hold_staged(tx: Tx, workspace_id: int) -> None:
    """Let nobody else cut or forget what is staged until the transaction ends."""
    await tx.execute(_LOCK, workspace_id=workspace_id)


async def forget_staged(tx: Tx, workspace_id: int) -> None:
    """Forget all that is on its way to the columnar store; waits for a block that is being inserted."""
    await hold_staged(tx, workspace_id)
    await tx.execute(_FORGET_BLOCKS, workspace_id=workspace_id)
    await tx.execute(_FORGET_STAGED, workspace_id=workspace_id)


async def hold_block(tx: Tx, workspace_id: int, block_no: int) -> bool:
    """Keep a block for oneself until the transaction ends; False when it is in, or not to go in any more."""
    return bool(await tx.fetch_value(_HOLD, workspace_id=workspace_id, block_no=block_no))


async def cut_blocks(tx: Tx, workspace_id: int) -> list[Block]:
    """Put all that is staged, and held, into blocks; return those to be inserted in order, also any left by a crash."""
    for row in await tx.fetch(_UNCUT, workspace_id=workspace_id):
        cut = 1
        while cut:
            cut = await tx.execute(
                _CUT, workspace_id=workspace_id, target=row["target"], most_rows=MOST_ROWS_IN_A_BLOCK
            )
    rows = await tx.fetch(_OPEN_BLOCKS, workspace_id=workspace_id)
    return [Block(row["block_no"], row["target"]) for row in rows]


async def content(tx: Tx, workspace_id: int, block_no: int) -> list[tuple[bytes, bool]]:
    """Return a block's pieces: (lines, whether they are sealed)."""
    rows = await tx.fetch(_CONTENT, workspace_id=workspace_id, block_no=block_no)
    return [(row["payload"], row["sealed"]) for row in rows]


async def settle_block(tx: Tx, workspace_id: int, block_no: int) -> None:
    """Note that a block is inserted, and forget its rows here."""
    await tx.execute(_SETTLE_STAGED, workspace_id=workspace_id, block_no=block_no)
    await tx.execute(_SETTLE_BLOCK, workspace_id=workspace_id, block_no=block_no)
