"""Waiting until the services a decision depends on have applied what was received before it."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from opentelemetry import metrics

from libs.common.errors import Problem
from libs.common.runtime import Runtime

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25
_ANSWER_SECONDS = 1.0
"""A service that hangs is behind: the patience is for all tries together."""
_late = metrics.get_meter("rapport").create_counter(
    "rapport.watermark.late", description="decisions made although a service was behind for longer than the patience"
)


class _Answer(msgspec.Struct):
    watermark: datetime


async def reach_watermark(runtime: Runtime[Any], workspace_id: int, instant: datetime, services: Sequence[str]) -> bool:
    """Wait until `services` have applied everything received before `instant`; True when they have.

    In the order in which events travel: one who was asked before its sender is done would not know what is to come.
    After five seconds the decision goes on all the same and is counted. A driven clock is drained before it moves, so
    there is nothing to wait for.
    """
    if runtime.is_driven(workspace_id):
        return True
    behind = [service for service in services if service != runtime.service]
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = _PAUSE_SECONDS
    while behind:
        mark = await watermark_of(runtime, behind[0], workspace_id)
        if mark is not None and mark >= instant:
            del behind[0]
        elif time.monotonic() > deadline:
            count_late(runtime, behind)
            return False
        else:
            # to ask costs the one who is behind a look at its queue
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    return True


def count_late(runtime: Runtime[Any], behind: Collection[str], decisions: int = 1) -> None:
    """Count decisions that went on although these services were behind for longer than the patience."""
    _late.add(decisions, {"service": runtime.service})
    log.warning("a decision went on without its watermark", extra={"behind": sorted(behind), "count": decisions})


async def watermark_of(runtime: Runtime[Any], service: str, workspace_id: int) -> datetime | None:
    """Return the instant before which a service has applied everything received; None when it does not answer."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await runtime.peers.get(service, f"/v1/{service}/watermark", workspace_id, _Answer)
    except (Problem, TimeoutError):
        return None
    return answer.watermark
