"""Set a trait's rule, and say which type it declares."""

from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.trait_declared import TraitDeclared
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.trait import TraitRule
from services.profile.domain.values import ValueType
from services.profile.store import trait_rules


async def set_rule(tx: Tx, workspace_id: int, trait: str, rule: TraitRule, *, now: datetime) -> bool:
    """Keep a rule; return whether it is another now."""
    version = await trait_rules.save_rule(tx, workspace_id, trait, rule, now)
    if version is None:
        return False
    await outbox.add(tx, [trait_declared(workspace_id, trait, rule.type, version, now)])
    return True


def trait_declared(
    workspace_id: int, trait: str, type_: ValueType | None, version: int, changed_at: datetime
) -> TraitDeclared:
    """Return the event of a rule's type; the same one for the same version."""
    return TraitDeclared(
        id=fact_id("trait type", workspace_id, trait, version),
        workspace_id=workspace_id,
        received_at=changed_at,
        occurred_at=changed_at,
        name=trait,
        version=version,
        type=type_,
    )
