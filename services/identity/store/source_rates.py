"""How many persons each source merged, by the minute in which what joined them arrived."""

from collections.abc import Mapping

from libs.common.db import Tx, load_sql
from services.identity.domain.breaker import Meter

_COUNT = load_sql(__file__, "count_merges.sql")


async def count(tx: Tx, merges: Mapping[Meter, int]) -> dict[Meter, int]:
    """Add to the counters; return what they stand at, these included, until the transaction ends.

    Whoever counts a minute that somebody else counts waits for him to commit.
    """
    rows = sorted(merges.items())
    found = await tx.fetch(
        _COUNT,
        workspace_ids=[meter[0] for meter, _ in rows],
        source_ids=[meter[1] for meter, _ in rows],
        minutes=[meter[2] for meter, _ in rows],
        merges=[count for _, count in rows],
    )
    return {(row[0], row[1], row[2]): row[3] for row in found}
