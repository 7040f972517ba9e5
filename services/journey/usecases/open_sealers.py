"""Open the keys of workspaces; one whose keys do not open waits alone."""

import logging
from collections.abc import Collection

from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.journey.store.memory import JourneyMemory

log = logging.getLogger(__name__)


def open_sealers(runtime: Runtime[JourneyMemory], workspace_ids: Collection[int]) -> dict[int, Sealer]:
    """Return the sealers of the workspaces whose keys open; the others rest, and nobody waits for them."""
    sealers: dict[int, Sealer] = {}
    for workspace_id in sorted(workspace_ids):
        try:
            sealers[workspace_id] = runtime.sealer(workspace_id)
        except Exception:
            log.exception("the keys of a workspace do not open; its runs wait", extra={"workspace_id": workspace_id})
            runtime.parts.rest(workspace_id)
        else:
            runtime.parts.end_rest(workspace_id)
    return sealers
