"""Take what another system answered into the record, and the question off the list, in one transaction."""

from collections.abc import Callable
from datetime import datetime

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.identity.domain.posting import Posting
from services.identity.store import enquiries
from services.identity.store.enquiries import Claim
from services.identity.store.tracking_plans import PlanShelf
from services.identity.usecases.take_postings import take_postings


async def settle_enquiry(
    tx: Tx,
    one: Claim,
    posting: Posting,
    *,
    now: datetime,
    wall: datetime,
    sealer: Callable[[int], Sealer],
    plans: PlanShelf,
    is_driven: bool,
) -> None:
    """Log the answer as the source's events; an empty answer is remembered as such. `wall` is the wall clock's now."""
    if posting.posted:
        driven = frozenset({one.workspace_id}) if is_driven else frozenset()
        await take_postings(tx, [posting], now={one.workspace_id: now}, driven=driven, sealer=sealer, plans=plans)
    state = "answered" if posting.posted else "unknown"
    await enquiries.settle(tx, one, state=state, reason="", now=wall, due_at=None)
