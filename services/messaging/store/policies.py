"""The rules of a workspace."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from libs.common.db import Tx, statement
from services.messaging.domain.policy import Policy, read_policy, write_policy

_LOAD = statement("""
    select w.workspace_id, w.timezone, p.document
    from workspace w
    left join policy p using (workspace_id)
    where w.workspace_id = any(:workspace_ids::int[])
""")
_VERSION = statement("select version, document from policy where workspace_id = :workspace_id")
_PUT = statement("""
    insert into policy as p (workspace_id, version, document, changed_at)
    values (:workspace_id, 1, :document, :now)
    on conflict (workspace_id) do update
    set version = p.version + 1, document = excluded.document, changed_at = excluded.changed_at
    returning version
""")


async def load_policies(tx: Tx, workspace_ids: Sequence[int]) -> dict[int, Policy]:
    """Return the rules of each workspace known here; without any of its own it has none but its zone."""
    rows = await tx.fetch(_LOAD, workspace_ids=list(workspace_ids))
    return {row["workspace_id"]: _with_zone(row["document"], row["timezone"]) for row in rows}


def _with_zone(document: Any, zone: str) -> Policy:
    stored = dict(document or {})
    stored["zone"] = stored.get("zone") or zone
    return read_policy(stored)


async def current_policy(tx: Tx, workspace_id: int) -> tuple[int, Policy | None]:
    """Return (version, rules); version 0 and None where none were ever set."""
    row = await tx.fetch_one(_VERSION, workspace_id=workspace_id)
    return (row["version"], read_policy(row["document"])) if row is not None else (0, None)


async def put_policy(tx: Tx, workspace_id: int, policy: Policy, *, now: datetime) -> int:
    """Replace the rules; return their new version."""
    return int(await tx.fetch_value(_PUT, workspace_id=workspace_id, document=write_policy(policy), now=now))
