"""Traits of accounts become rows for the columnar store, and touches of everybody who belongs to the account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.segment.store import known_names
from services.segment.store.accounts import members_of_accounts
from services.segment.store.rows import account_row
from services.segment.store.staging import stage
from services.segment.store.touches import Touch, add_touches


@dataclass(frozen=True)
class AccountFact:
    """An account's trait has this value."""

    account: str
    name: str
    value: object
    version: int
    since: datetime
    received_at: datetime
    event_id: UUID
    personal: bool = False


async def stage_account_traits(
    tx: Tx, *, workspace_id: int, facts: Sequence[AccountFact], sealer: Sealer, is_news: bool = True
) -> None:
    """Stage account facts of one workspace and touch the members of the accounts; told again they are no news.

    All of them lie on the encrypted disk: some of an account's traits are personal.
    """
    await known_names.remember(tx, workspace_id, "account_trait", {fact.name for fact in facts})
    personal = {fact.name for fact in facts if fact.personal}
    if personal:
        await known_names.remember(tx, workspace_id, "personal_account_trait", personal)
    lines = b"\n".join(
        account_row(
            workspace_id=workspace_id,
            account=fact.account,
            name=fact.name,
            version=fact.version,
            since=fact.since,
            value=fact.value,
        )
        for fact in facts
    )
    ids = [fact.event_id for fact in facts]
    await stage(tx, workspace_id, "account_trait", sealer.seal(lines), rows=len(facts), event_ids=ids, sealed=True)
    if not is_news:
        return
    members = await members_of_accounts(tx, workspace_id, sorted({fact.account for fact in facts}))
    touches = [
        Touch(person_no, "trait", fact.received_at, f"account:{fact.name}", fact.event_id)
        for fact in facts
        for person_no in members.get(fact.account, ())
    ]
    # where nobody belongs to the account yet, the rows have to go in all the same
    await add_touches(tx, workspace_id, touches or [Touch(0, "trait", facts[0].received_at)])
