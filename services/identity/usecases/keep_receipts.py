"""Services say that they have deleted."""

from collections.abc import Sequence

from libs.common.contracts.forgotten import Forgotten
from libs.common.db import Tx
from services.identity.store import erasures
from services.identity.store.erasures import ReceiptRow


async def keep_receipts(tx: Tx, service: str, events: Sequence[Forgotten]) -> None:
    """Keep the receipts of a service; of several for one erasure the first."""
    for event in events:  # one by one: erasures are rare
        receipt = ReceiptRow(event.erasure_id, service, dict(event.deleted), event.occurred_at)
        await erasures.sign(tx, event.workspace_id, receipt)
