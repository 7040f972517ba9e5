"""Note about whom another system is to be asked."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.access.model import Source
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.identity.store import enquiries


async def note_enquiries(tx: Tx, source: Source, ids: Sequence[str], *, sealer: Sealer, now: datetime) -> int:
    """Queue questions about ids that were not asked about before; return how many. `now` is the wall clock's."""
    return await enquiries.add(
        tx, source.workspace_id, source.source_id, list(dict.fromkeys(ids)), sealer, now=now, due_at=now
    )
