"""A workspace's calendar."""

from datetime import datetime
from typing import Any

from libs.common.runtime import Runtime
from services.segment.domain.moment import Moment, known_zone
from services.segment.domain.silence import NOTHING_DECLARED


def moment_of(runtime: Runtime[Any], workspace_id: int, now: datetime) -> Moment:
    """Return an instant in the workspace's zone, with its calendar and what silence means in the picture of it."""
    workspace = runtime.directory.workspace(workspace_id)
    world = runtime.parts.worlds.get(workspace_id)
    silence = world.silence if world is not None else NOTHING_DECLARED
    if workspace is None:
        return Moment(now, silence=silence)
    start = workspace.settings.get("week_start", 0)
    week_start = start if isinstance(start, int) and 0 <= start <= 6 else 0
    return Moment(now, known_zone(workspace.timezone), week_start, silence)
