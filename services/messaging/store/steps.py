"""The trail of a message: every decision and every report, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.db import Tx, statement

_ADD = statement("""
    insert into step (workspace_id, intent_id, at, state, channel, reason, detail)
    select :workspace_id, r.intent_id, :now, r.state, r.channel, r.reason, r.detail
    from jsonb_to_recordset(:rows) as r(
        place integer, intent_id uuid, state text, channel text, reason text, detail jsonb
    )
    order by r.place
""")
_TRAIL = statement("""
    select intent_id, at, state, channel, reason, detail from step
    where workspace_id = :workspace_id and intent_id = any(:intent_ids::uuid[])
    order by step_no
""")


@dataclass(frozen=True, slots=True)
class Step:
    """One line to add to a message's trail."""

    intent_id: UUID
    state: str
    channel: str = ""
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One line of a message's trail."""

    intent_id: UUID
    at: datetime
    state: str
    channel: str
    reason: str
    detail: dict[str, Any]


async def add_steps(tx: Tx, workspace_id: int, steps: Sequence[Step], *, now: datetime) -> None:
    """Add lines in the order given."""
    if not steps:
        return
    rows = [
        {
            "place": place,
            "intent_id": step.intent_id,
            "state": step.state,
            "channel": step.channel,
            "reason": step.reason,
            "detail": step.detail,
        }
        for place, step in enumerate(steps)
    ]
    await tx.execute(_ADD, workspace_id=workspace_id, rows=rows, now=now)


async def trails(tx: Tx, workspace_id: int, intent_ids: Sequence[UUID]) -> list[TrailLine]:
    """Return the trails of messages, each in order."""
    rows = await tx.fetch(_TRAIL, workspace_id=workspace_id, intent_ids=list(intent_ids))
    return [TrailLine(*row.values()) for row in rows]
