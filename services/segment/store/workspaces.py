"""A workspace's calendar."""

from datetime import datetime
from typing import Any

from libs.common.runtime import Runtime
from services.segment.domain.moment import Moment, known_zone


def moment_of(runtime: Runtime[Any], workspace_id: int, now: datetime) -> Moment:
    """Return an instant in the workspace's zone, with the day its weeks start on."""
    workspace = runtime.directory.workspace(workspace_id)
    if workspace is None:
        return Moment(now)
    start = workspace.settings.get("week_start", 0)
    return Moment(now, known_zone(workspace.timezone), start if isinstance(start, int) and 0 <= start <= 6 else 0)
