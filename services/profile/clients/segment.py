"""The rules of tags, asked of segment in its own language."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from libs.common import backlog
from libs.common.errors import FieldError, Invalid, Unavailable
from libs.common.http.peers import MAX_BATCH, Peers
from libs.common.runtime import Runtime
from libs.common.watermark import PATIENCE_SECONDS, count_late, reach_watermark

PERSONS_AT_ONCE = MAX_BATCH
_PATH = "/v1/segment/questions/membership"
_PAUSE_SECONDS = 0.02


class _Membership(msgspec.Struct):
    person_nos: list[int]


class _Backlog(msgspec.Struct):
    open: dict[str, int]


async def ask_rule(peers: Peers, workspace_id: int, rule: str, person_nos: Sequence[int]) -> frozenset[int]:
    """Return for which of up to 500 persons a rule holds now; raises Invalid where it is none."""
    body: dict[str, Any] = {"condition": msgspec.Raw(rule.encode()), "person_nos": list(person_nos)}
    answer = await peers.post("segment", _PATH, workspace_id, body, _Membership)
    return frozenset(answer.person_nos)


async def check_rule(peers: Peers, workspace_id: int, rule: str, pointer: str) -> None:
    """Raise Invalid, with the pointer to each fault, for what is no condition in the language of segments."""
    try:
        await ask_rule(peers, workspace_id, rule, [])
    except Invalid as refused:
        errors = [
            FieldError(pointer + error.pointer.removeprefix("/condition"), error.detail, error.code)
            for error in refused.errors
        ]
        raise Invalid("the rule is no condition in the language of segments", errors=errors) from refused


async def catch_up(runtime: Runtime[Any], workspace_id: int, instant: datetime) -> None:
    """Wait until segment has applied what was received here up to an instant, a few seconds at most.

    A driven clock stands still meanwhile: segment has to have nothing open then, and nothing may be on its way.
    """
    if not runtime.is_driven(workspace_id):
        await reach_watermark(runtime, workspace_id, instant, ("segment",))
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        mine, _ = await backlog.open_work(runtime, workspace_id)
        if "outbox" not in mine:
            try:
                theirs = await runtime.peers.get("segment", "/v1/segment/backlog", workspace_id, _Backlog)
            except Unavailable:
                return
            if not theirs.open:
                return
        await asyncio.sleep(_PAUSE_SECONDS)
    count_late(runtime, ["segment"])
