"""Erased persons are out of everything: said once their rows are gone."""

from collections.abc import Sequence
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.segment.membership_forgotten import MembershipForgotten
from libs.common.db import Tx
from services.segment.store import erasures as store
from services.segment.store.erasures import Erasure


async def settle_erasures(tx: Tx, *, workspace_id: int, erasures: Sequence[Erasure], now: datetime) -> None:
    """Note erasures as done, and answer each with its receipt."""
    await store.settle_erasures(tx, workspace_id, [erasure.person_no for erasure in erasures])
    await outbox.add(
        tx,
        [
            MembershipForgotten(
                workspace_id=workspace_id,
                person_no=erasure.person_no,
                received_at=erasure.requested_at,
                occurred_at=now,
                erasure_id=erasure.erasure_id,
                deleted={"subjects": len(erasure.subject_nos)},
            )
            for erasure in erasures
            if erasure.erasure_id is not None
        ],
    )
