"""What the gate would say now, without deciding anything."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.messaging.domain.channel import Capabilities
from services.messaging.domain.gate import Reach, judge
from services.messaging.domain.intent import Drop, Intent, Spent, Take, Verdict
from services.messaging.domain.policy import Policy
from services.messaging.domain.slots import Candidate, decide
from services.messaging.domain.zones import zone_or
from services.messaging.store.persons import pending_withdrawals, spent_slots
from services.messaging.store.policies import load_policies
from services.messaging.store.suppressions import find_suppressions
from services.messaging.store.workspaces import present
from services.messaging.usecases.draft_messages import address_lookup


@dataclass(frozen=True)
class Rehearsal:
    """The verdict and what it was judged by."""

    verdict: Verdict
    zone: str
    spent: list[Spent]


async def rehearse_gate(
    tx: Tx, intent: Intent, reach: Mapping[str, Reach], *, capabilities: Mapping[str, Capabilities], sealer: Sealer
) -> Rehearsal:
    """Return what would become of an intent if it were due now."""
    workspace_id, person_no = intent.workspace_id, intent.person_no
    policy = (await load_policies(tx, [workspace_id])).get(workspace_id, Policy())
    now = await present(tx, workspace_id)
    withdrawals = (await pending_withdrawals(tx, workspace_id, [person_no])).get(person_no, set())
    verdict = judge(intent, reach, capabilities, policy, now, withdrawals)
    zone = zone_or(next((r.timezone for r in reach.values() if r.timezone), None), policy.zone)
    spent = (await spent_slots(tx, workspace_id, [person_no], now - policy.horizon)).get(person_no, [])
    if isinstance(verdict, Take):
        address = reach[verdict.channel].address
        lookup = address_lookup(sealer, address) if address else b""
        listed = await find_suppressions(tx, workspace_id, [lookup])
        because = listed.get((lookup, verdict.channel)) or listed.get((lookup, ""))
        candidate = Candidate(intent, verdict.channel, zone)
        verdict = (
            decide([candidate], spent, policy, now)[intent]
            if because is None
            else Drop("suppressed", {"because": because}, verdict.channel)
        )
    return Rehearsal(verdict, zone.key, spent)
