"""In what persons agree, as keyed hashes: how those are found who may be one with somebody."""

from collections.abc import Collection, Mapping

from libs.common.db import Tx, load_sql, statement

_LIVING = statement(
    "select person_no from person where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
    " and state = 'active' order by person_no for share skip locked"
)
_FORGET = statement(
    "delete from match_block where workspace_id = :workspace_id and person_no = any(:person_nos::int[])"
)
_ADD = statement(
    "insert into match_block (workspace_id, block, person_no)"
    " select :workspace_id, block, person_no from unnest(:blocks::bytea[], :person_nos::int[]) as b (block, person_no)"
    " order by block, person_no on conflict do nothing"
)
_SHARING = load_sql(__file__, "persons_of_blocks.sql")


async def lock_living(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> set[int]:
    """Return those persons who are, locked against being erased or merged; whom somebody changes now is left out.

    Waiting here for one while holding another is how two transactions wait for each other.
    """
    rows = await tx.fetch(_LIVING, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"] for row in rows}


async def replace(tx: Tx, workspace_id: int, blocks: Mapping[int, Collection[bytes]]) -> None:
    """Write what persons agree with others in, in place of what was known of it."""
    await tx.execute(_FORGET, workspace_id=workspace_id, person_nos=list(blocks))
    rows = [(block, person_no) for person_no, found in blocks.items() for block in found]
    if rows:
        await tx.execute(
            _ADD, workspace_id=workspace_id, blocks=[row[0] for row in rows], person_nos=[row[1] for row in rows]
        )


async def sharing(tx: Tx, workspace_id: int, blocks: Collection[bytes], crowd: int) -> dict[bytes, set[int]]:
    """Return the living persons of blocks; those of more than `crowd` persons say nothing, and are left out."""
    rows = await tx.fetch(_SHARING, workspace_id=workspace_id, blocks=sorted(blocks), row_limit=crowd + 1)
    found: dict[bytes, set[int]] = {}
    counts: dict[bytes, int] = {}
    for row in rows:
        block = bytes(row["block"])
        counts[block] = counts.get(block, 0) + 1
        if row["living_no"] is not None:
            found.setdefault(block, set()).add(row["living_no"])
    return {block: persons for block, persons in found.items() if counts[block] <= crowd}
