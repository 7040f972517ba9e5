"""Since when persons are known, and whether they are named, as rows that the clock and every question can look at."""

from collections.abc import Sequence

from libs.common.db import Tx
from services.segment.domain.values import FIRST_KNOWN
from services.segment.store import persons
from services.segment.store.rows import trait_row
from services.segment.store.staging import stage

PERSONS_AT_ONCE = 50_000


async def stage_first_known(tx: Tx, *, workspace_id: int, person_nos: Sequence[int]) -> None:
    """Stage since when these persons, with those merged into them, are known; who is not alive has no row."""
    found = await persons.first_known(tx, workspace_id, sorted(set(person_nos)))
    if not found:
        return
    lines = [
        trait_row(
            workspace_id=workspace_id,
            name=FIRST_KNOWN,
            person_no=one.person_no,
            version=one.version,
            since=one.first_known,
            value=one.is_named,
        )
        for one in found
    ]
    await stage(tx, workspace_id, "trait", b"\n".join(lines), rows=len(lines), event_ids=[])


async def stage_all_first_known(tx: Tx, *, workspace_id: int) -> None:
    """Stage it for everybody, for a columnar store that is made anew."""
    after = 0
    while some := await persons.everybody_after(tx, workspace_id, after, PERSONS_AT_ONCE):
        await stage_first_known(tx, workspace_id=workspace_id, person_nos=some)
        after = some[-1]
