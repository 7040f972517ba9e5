"""A person ends what he was sent: in force here with this commit, at profile as soon as it answers."""

from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from services.messaging.store.handoffs import Report
from services.messaging.store.intents import load_intents
from services.messaging.store.redirects import lock_holders
from services.messaging.store.withdrawals import add_withdrawal
from services.messaging.usecases.record_reports import record_reports


async def unsubscribe_person(
    tx: Tx, workspace_id: int, intent_id: UUID, channel: str, *, withdrawal_id: UUID, now: datetime
) -> bool:
    """Withdraw the purpose, channel and topic of a message; False when the message (and so the person) is gone."""
    # a merge or a split of this moment finds the withdrawal, or is over
    await lock_holders(tx, workspace_id, [intent_id])
    found = await load_intents(tx, workspace_id, [intent_id])
    if not found:
        return False
    intent = found[0].intent
    await add_withdrawal(
        tx,
        workspace_id,
        withdrawal_id=withdrawal_id,
        person_no=intent.person_no,
        purpose=intent.question_purpose,
        channel=channel,
        topic=intent.topic,
        intent_id=intent_id,
        now=now,
    )
    report = Report(intent_id=intent_id, channel=channel, state="unsubscribed", at=now)
    await record_reports(tx, workspace_id, [report], now=now)
    return True
