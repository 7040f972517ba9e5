"""Take due intents together with everything the gate and the templates need to know of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.db import Tx
from services.messaging.domain.gate import Withdrawal
from services.messaging.domain.policy import Policy
from services.messaging.store.intents import StoredIntent, load_intents
from services.messaging.store.persons import pending_withdrawals
from services.messaging.store.policies import load_policies
from services.messaging.store.queue import Claim, Step, claim_due
from services.messaging.store.templates import StoredTemplate, latest_templates
from services.messaging.store.workspaces import present


@dataclass(frozen=True)
class Work:
    """One workspace's share of a claim."""

    workspace_id: int
    now: datetime
    policy: Policy
    claims: Sequence[tuple[Claim, StoredIntent]]
    templates: Mapping[object, StoredTemplate]
    """By id and by key."""
    withdrawals: Mapping[int, set[Withdrawal]]


async def claim_intents(tx: Tx, *, step: Step, size: int, lease_seconds: float) -> list[Work]:
    """Claim over all workspaces; `tx` sees those of the claim afterwards."""
    by_workspace: dict[int, dict[object, Claim]] = defaultdict(dict)
    for claim in await claim_due(tx, step=step, size=size, lease_seconds=lease_seconds):
        by_workspace[claim.workspace_id][claim.intent_id] = claim
    if not by_workspace:
        return []
    await tx.see(by_workspace)
    policies = await load_policies(tx, list(by_workspace))
    return [
        await _work(tx, workspace_id, claims, policies.get(workspace_id, Policy()))
        for workspace_id, claims in by_workspace.items()
    ]


async def _work(tx: Tx, workspace_id: int, claims: Mapping[object, Claim], policy: Policy) -> Work:
    intents = await load_intents(tx, workspace_id, [claim.intent_id for claim in claims.values()])
    found = await latest_templates(
        tx,
        workspace_id,
        template_ids=list({s.template_id for s in intents if s.template_id is not None}),
        keys=list({s.template_key for s in intents if s.template_key is not None}),
    )
    templates: dict[object, StoredTemplate] = {t.template_id: t for t in found}
    templates.update({t.key: t for t in found})
    return Work(
        workspace_id=workspace_id,
        now=await present(tx, workspace_id),
        policy=policy,
        claims=[(claims[s.intent.intent_id], s) for s in intents],
        templates=templates,
        withdrawals=await pending_withdrawals(tx, workspace_id, list({s.intent.person_no for s in intents})),
    )
