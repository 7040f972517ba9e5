"""After runs could not be written together: each workspace by itself, then halves, down to the run at fault."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common.bus.transient import is_transient
from libs.common.db import Tx
from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.journey.store.due_runs import Claimed, blame_runs
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.advance_runs import PersonAnswers, Round, advance_runs

log = logging.getLogger(__name__)

Handle = tuple[UUID, datetime]
"""A run, and the moment by which its timer is known again."""
Claim = Callable[[Tx, Sequence[Handle]], Awaitable[list[Claimed]]]


async def advance_apart(
    runtime: Runtime[JourneyMemory],
    handles: Mapping[int, Sequence[Handle]],
    *,
    claim: Claim,
    answers: PersonAnswers,
    sealers: Mapping[int, Sealer],
) -> Round:
    """Advance the runs of each workspace apart from the others'; the one that cannot be written is blamed alone."""
    done = Round()
    for workspace_id, ours in handles.items():
        waiting = [list(ours)]
        while waiting:
            some = waiting.pop()
            try:
                async with runtime.worker_database.transaction(workspace_id) as tx:
                    claimed = await claim(tx, some)
                    found = await advance_runs(
                        tx, claimed, answers=answers, graphs=runtime.parts.graphs, sealers=sealers
                    )
            except Exception as error:
                if is_transient(error):
                    raise
                if len(some) > 1:
                    middle = len(some) // 2
                    waiting += [some[middle:], some[:middle]]
                    continue
                log.error("a run could not be written", exc_info=error, extra={"run_id": str(some[0][0])})
                async with runtime.worker_database.transaction(()) as tx:
                    await blame_runs(tx, [some[0][0]])
            else:
                done.steps += found.steps
                done.asking += found.asking
    return done
