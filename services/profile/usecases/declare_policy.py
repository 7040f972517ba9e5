"""What silence means in a workspace: replace its declarations, and say so."""

from collections.abc import Mapping
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.policy_declared import Declaration, PolicyDeclared
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.store import consents


async def declare_policy(tx: Tx, workspace_id: int, declared: Mapping[tuple[str, str], bool], *, now: datetime) -> None:
    """Replace the declarations: (purpose, channel) -> whether silence allows contact."""
    version = await consents.declare_defaults(tx, workspace_id, declared, declared_at=now)
    await outbox.add(tx, [policy_said(workspace_id, declared, version=version, declared_at=now)])


def policy_said(
    workspace_id: int, declared: Mapping[tuple[str, str], bool], *, version: int, declared_at: datetime
) -> PolicyDeclared:
    """Return how it is said outside."""
    return PolicyDeclared(
        id=fact_id("policy", workspace_id, version),
        workspace_id=workspace_id,
        received_at=declared_at,
        occurred_at=declared_at,
        version=version,
        declared=tuple(Declaration(*scope, opt_out) for scope, opt_out in sorted(declared.items())),
    )
