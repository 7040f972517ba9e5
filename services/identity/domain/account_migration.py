"""What becomes of openids when a WeChat account moves: WeChat's answer to `changeopenid` as evidence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

import msgspec

from services.identity.domain.evidence import DECIDED, Evidence, Identifier
from services.identity.domain.policy import InvalidValue

WINDOW = timedelta(days=15)
"""How long after the move WeChat still tells which new openid an old one became; afterwards nobody ever can."""
CLOSING = timedelta(days=3)

Alarm = Literal["none", "open", "closing", "missed"]


class Translated(msgspec.Struct, frozen=True):
    """One line of WeChat's answer; unionids where the open platform changed too."""

    ori_openid: str
    new_openid: str = ""
    err_msg: str = "ok"
    ori_unionid: str = ""
    new_unionid: str = ""


def alarm(outstanding: int, closes_at: datetime, now: datetime) -> Alarm:
    """Return how urgent the openids are that nobody has translated yet."""
    if outstanding <= 0:
        return "none"
    if now >= closes_at:
        return "missed"
    return "closing" if now >= closes_at - CLOSING else "open"


def supersedes(
    line: Translated,
    name: Callable[[str, str, str], Identifier | InvalidValue],
    *,
    workspace_id: int,
    scopes: tuple[tuple[str, str], tuple[str, str]],
    migrated_at: datetime,
    received_at: datetime,
) -> list[Evidence] | str:
    """Return the evidence in a line, or why there is none.

    `scopes` are the old and new appid, then the old and new open platform; `name` spells (namespace, scope, value).
    """
    if line.err_msg != "ok":
        return line.err_msg
    wanted = [("wx_openid", line.ori_openid, line.new_openid, scopes[0])]
    if line.ori_unionid and line.new_unionid:
        wanted.append(("wx_unionid", line.ori_unionid, line.new_unionid, scopes[1]))
    found: list[Evidence] = []
    for namespace, old, new, (old_scope, new_scope) in wanted:
        before, after = name(namespace, old_scope, old), name(namespace, new_scope, new)
        if isinstance(before, InvalidValue) or isinstance(after, InvalidValue):
            return f"{namespace}: {before.reason if isinstance(before, InvalidValue) else _reason(after)}"
        if before == after:
            return f"{namespace}: unchanged"
        found.append(
            Evidence(
                event_id=uuid5(NAMESPACE_OID, f"changeopenid/{workspace_id}/{before}/{after}"),
                source_id=0,
                kind="supersede",
                tier=DECIDED,
                event_time=migrated_at,
                first_received_at=received_at,
                identifiers=(before, after),
            )
        )
    return found


def _reason(found: Identifier | InvalidValue) -> str:
    return found.reason if isinstance(found, InvalidValue) else ""
