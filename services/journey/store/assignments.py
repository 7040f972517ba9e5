"""Arms drawn by persons: kept for ever, the earliest wins."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, statement


class ArmRow(NamedTuple):
    """One arm drawn at a node by a person."""

    workspace_id: int
    journey_id: UUID
    person_no: int
    node: str
    arm: str
    assigned_at: datetime
    run_id: UUID


_LOAD = statement("""
    select distinct a.workspace_id, a.journey_id, a.person_no, a.node, a.arm
    from unnest(:workspace_ids::int[], :journey_ids::uuid[], :person_nos::int[])
         as k(workspace_id, journey_id, person_no)
    join assignment a using (workspace_id, journey_id, person_no)
""")
_ADD = statement("""
    insert into assignment (workspace_id, journey_id, person_no, node, arm, assigned_at, run_id)
    select a.* from unnest(
        :workspace_ids::int[], :journey_ids::uuid[], :person_nos::int[], :nodes::text[], :arms::text[],
        :assigned::timestamptz[], :run_ids::uuid[]
    ) a
    on conflict do nothing
""")

PersonKey = tuple[int, UUID, int]
"""Workspace, journey, person."""


async def load_arms(tx: Tx, keys: Sequence[PersonKey]) -> dict[PersonKey, dict[str, str]]:
    """Return the arms drawn before, by person and then by node."""
    if not keys:
        return {}
    workspace_ids, journey_ids, person_nos = zip(*keys, strict=True)
    rows = await tx.fetch(_LOAD, workspace_ids=workspace_ids, journey_ids=journey_ids, person_nos=person_nos)
    found: dict[PersonKey, dict[str, str]] = {}
    for workspace_id, journey_id, person_no, node, arm in rows:
        found.setdefault((workspace_id, journey_id, person_no), {})[node] = arm
    return found


async def add_arms(tx: Tx, arms: Sequence[ArmRow]) -> None:
    """Keep arms; one drawn before stays."""
    names = ("workspace_ids", "journey_ids", "person_nos", "nodes", "arms", "assigned", "run_ids")
    await tx.execute(_ADD, **dict(zip(names, zip(*arms, strict=True), strict=True)))
