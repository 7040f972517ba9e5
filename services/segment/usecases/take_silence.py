"""Another meaning of silence: whoever said nothing may be in now, or out."""

from libs.common.db import Tx
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.silence import Silence
from services.segment.store import memberships, recomputes, segments, silences
from services.segment.store.worlds import definition_of


async def take_silence(tx: Tx, *, workspace_id: int, silence: Silence) -> None:
    """Keep the declarations, unless newer ones are known, and ask the segments about consent for everybody again."""
    if not await silences.keep(tx, workspace_id, silence):
        return
    await memberships.disturb(tx, workspace_id)
    asking = [
        row for row in await segments.live(tx, workspace_id) if not row.is_frozen and _asks_for_consent(row.definition)
    ]
    await recomputes.ask_again(tx, workspace_id, [(row.segment_id, row.version) for row in asking])


def _asks_for_consent(text: str) -> bool:
    try:
        return any(one.startswith("consent:") for one in definition_of(text).concerns().facts)
    except InvalidDefinition:
        return False  # it keeps its members until it is put anew
