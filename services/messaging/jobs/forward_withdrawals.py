"""Pass unsubscriptions on to profile, who owns consent, until it has them."""

import logging
from collections import defaultdict

from libs.common.errors import Gone, Invalid, NotFound, Problem
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.messaging.clients.parts import Parts
from services.messaging.clients.profile import withdraw
from services.messaging.store.queue import outstanding
from services.messaging.store.withdrawals import (
    StoredWithdrawal,
    claim_withdrawals,
    forget_withdrawals,
    leave_withdrawals,
)

BATCH = 200
RETRY_SECONDS = 5.0
log = logging.getLogger(__name__)


async def run(runtime: Runtime[Parts]) -> int:
    """Pass one batch on; what profile does not take now is tried again."""
    async with runtime.worker_database.transaction(()) as tx:
        by_workspace: dict[int, list[StoredWithdrawal]] = defaultdict(list)
        for found in await claim_withdrawals(tx, size=BATCH, lease_seconds=RETRY_SECONDS):
            by_workspace[found.workspace_id].append(found)
    return sum([await _forward(runtime, number, found) for number, found in by_workspace.items()])


async def _forward(runtime: Runtime[Parts], workspace_id: int, found: list[StoredWithdrawal]) -> int:
    done, refused = [], []
    for item in found:  # an unsubscription is one person's click: they come one by one
        try:
            await withdraw(
                runtime.peers,
                workspace_id,
                person_no=item.person_no,
                purpose=item.purpose,
                channel=item.channel,
                topic=item.topic,
                at=item.withdrawn_at,
                message_id=item.intent_id,
            )
        except (Gone, NotFound) as problem:
            log.info("profile has nobody for an unsubscription any more", extra={"why": problem.detail})
        except Invalid as problem:
            # It would be refused for ever; here it goes on to hold.
            log.error("profile refuses an unsubscription; it holds here only", extra={"why": problem.detail})
            refused.append(item.withdrawal_id)
            continue
        except Problem as problem:
            log.warning("profile does not take an unsubscription; it holds here", extra={"why": problem.detail})
            continue
        done.append(item.withdrawal_id)
    if done or refused:
        async with runtime.worker_database.transaction(workspace_id) as tx:
            await forget_withdrawals(tx, workspace_id, done)
            await leave_withdrawals(tx, workspace_id, refused)
    return len(done) + len(refused)


async def _open(runtime: Runtime[Parts], workspace_id: int) -> int:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return (await outstanding(tx, workspace_id, runtime.now(workspace_id))).withdrawals


job = Job(name="forward_withdrawals", run=run, open=_open, idle_seconds=1.0)
