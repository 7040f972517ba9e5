"""A journey decided to send: its request becomes an intent, once for each run, node and visit."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.db import Tx
from libs.common.ids import new_id
from services.messaging.domain.policy import Policy
from services.messaging.store.intents import NewIntent
from services.messaging.store.policies import load_policies
from services.messaging.usecases.accept_intents import accept_intents, content_key


async def accept_requests(tx: Tx, requests: Sequence[MessageRequested], now_of: Callable[[int], datetime]) -> int:
    """Take requests of several workspaces into the ledger; return how many were new."""
    by_workspace: dict[int, list[MessageRequested]] = defaultdict(list)
    for request in requests:
        by_workspace[request.workspace_id].append(request)
    policies = await load_policies(tx, list(by_workspace))
    count = 0
    for workspace_id, group in by_workspace.items():
        policy, now = policies.get(workspace_id, Policy()), now_of(workspace_id)
        intents = [_intent(request, policy, now) for request in group]
        count += len(await accept_intents(tx, workspace_id, intents, policy=policy, now=now))
    return count


def _intent(request: MessageRequested, policy: Policy, now: datetime) -> NewIntent:
    context = msgspec.json.decode(bytes(request.context) or b"{}")
    due_at = max(request.due_at or request.occurred_at, request.occurred_at)
    return NewIntent(
        intent_id=new_id(),
        idempotency_key=f"journey:{request.idempotency_key}",
        person_no=request.person_no,
        side_no=request.entered_as or None,
        subject_no=request.subject_no,
        person_id=request.person_id,
        origin="journey",
        channels=request.channels,
        requested_at=now,
        received_at=request.received_at,
        due_at=due_at,
        expires_at=request.expires_at or due_at + timedelta(seconds=policy.expires_after_seconds),
        message_class=request.message_class,
        purpose=request.purpose,
        category=request.category,
        topic=request.topic,
        priority=request.priority,
        fallback_after_seconds=request.fallback_after_seconds,
        journey_id=request.journey_id,
        journey_version=request.journey_version,
        run_id=request.run_id,
        node=request.node,
        visit=request.visit,
        campaign=str(request.journey_id),
        template_id=request.template_id,
        template_key=request.template_key,
        content_key=content_key(str(request.template_id or request.template_key), _canonical(context)),
        context=context if isinstance(context, dict) else {},
        sealed=request.sealed,
    )


def _canonical(context: Any) -> bytes:
    return msgspec.json.encode(context, order="sorted")
