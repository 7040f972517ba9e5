"""What silence means in the workspace, as it was last declared."""

from typing import Any

from libs.common.contracts.profile.policy_declared import PolicyDeclared
from libs.common.db import Tx
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of
from libs.common.runtime import Runtime
from services.profile.store import consents
from services.profile.usecases.declare_policy import policy_said


async def _part(tx: Tx, _runtime: Runtime[Any], workspace_id: int, _after: str | None, _limit: int) -> Part:
    last = await consents.last_declared(tx, workspace_id)
    if last is None:
        return Part([], None)
    version, declared_at = last
    declared = await consents.load_defaults(tx, workspace_id)
    return Part(lines_of([policy_said(workspace_id, declared, version=version, declared_at=declared_at)]), None)


telling = Telling(PolicyDeclared, _part)
