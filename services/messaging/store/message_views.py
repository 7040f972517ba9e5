"""Reading the ledger: lists and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from services.messaging.store.intents import StoredIntent, stored_intent

_PAGE = statement("""
    select * from intent
    where workspace_id = :workspace_id
      and (:person_no::int is null or person_no = :person_no::int)
      and (:journey_id::uuid is null or journey_id = :journey_id::uuid)
      and (:run_id::uuid is null or run_id = :run_id::uuid)
      and (:node::text is null or node = :node::text)
      and (:campaign_id::uuid is null or campaign_id = :campaign_id::uuid)
      and (:state::text is null or state = :state::text)
      and (:reason::text is null or reason = :reason::text)
      and (:before::uuid is null or intent_id < :before::uuid)
    order by intent_id desc
    limit :limit
""")
_COUNTS = statement("""
    select state, channel, reason, count(*)
    from intent
    where workspace_id = :workspace_id
      and (:journey_id::uuid is null or journey_id = :journey_id::uuid)
      and (:node::text is null or node = :node::text)
      and (:campaign_id::uuid is null or campaign_id = :campaign_id::uuid)
      and (:since::timestamptz is null or requested_at >= :since::timestamptz)
      and (:until::timestamptz is null or requested_at < :until::timestamptz)
    group by state, channel, reason
    order by state, channel, reason
""")
_REPORTS = statement("""
    select r.state, r.channel, r.human, count(distinct r.intent_id)
    from receipt r
    join intent i using (workspace_id, intent_id)
    where r.workspace_id = :workspace_id
      and (:journey_id::uuid is null or i.journey_id = :journey_id::uuid)
      and (:node::text is null or i.node = :node::text)
      and (:campaign_id::uuid is null or i.campaign_id = :campaign_id::uuid)
      and (:since::timestamptz is null or i.requested_at >= :since::timestamptz)
      and (:until::timestamptz is null or i.requested_at < :until::timestamptz)
    group by r.state, r.channel, r.human
    order by r.state, r.channel, r.human
""")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages; None means all."""

    person_no: int | None = None
    journey_id: UUID | None = None
    run_id: UUID | None = None
    node: str | None = None
    campaign_id: UUID | None = None
    state: str | None = None
    reason: str | None = None


async def list_messages(
    tx: Tx, workspace_id: int, choice: Choice, *, limit: int, before: UUID | None
) -> list[StoredIntent]:
    """Return messages, newest first."""
    rows = await tx.fetch(
        _PAGE,
        workspace_id=workspace_id,
        person_no=choice.person_no,
        journey_id=choice.journey_id,
        run_id=choice.run_id,
        node=choice.node,
        campaign_id=choice.campaign_id,
        state=choice.state,
        reason=choice.reason,
        before=before,
        limit=limit,
    )
    return [stored_intent(row) for row in rows]


async def count_messages(
    tx: Tx, workspace_id: int, choice: Choice, *, since: datetime | None, until: datetime | None
) -> tuple[Sequence[tuple[str, str, str, int]], Sequence[tuple[str, str, bool, int]]]:
    """Return ((state, channel, reason, messages), (report, channel, human, messages))."""
    parameters = {
        "workspace_id": workspace_id,
        "journey_id": choice.journey_id,
        "node": choice.node,
        "campaign_id": choice.campaign_id,
        "since": since,
        "until": until,
    }
    states = await tx.fetch(_COUNTS, **parameters)
    reports = await tx.fetch(_REPORTS, **parameters)
    return [tuple(row.values()) for row in states], [tuple(row.values()) for row in reports]
