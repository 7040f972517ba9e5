"""Facts of several workspaces become rows for the columnar store, and touches."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from libs.common.db import Tx
from libs.common.runtime import Runtime
from services.segment.usecases.stage_traits import TraitFact, stage_traits


async def stage_of_workspaces(
    tx: Tx, facts: Iterable[tuple[int, TraitFact]], runtime: Runtime[Any], *, is_news: bool = True
) -> None:
    """Stage (workspace, fact); told again they are no news."""
    by_workspace: dict[int, list[TraitFact]] = defaultdict(list)
    for workspace_id, fact in facts:
        by_workspace[workspace_id].append(fact)
    for workspace_id, mine in by_workspace.items():
        sealer = runtime.sealer(workspace_id)
        await stage_traits(tx, workspace_id=workspace_id, facts=mine, sealer=sealer, is_news=is_news)
