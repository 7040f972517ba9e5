"""Who must be asked again, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.common.db import Tx, statement

TouchCause = Literal[
    "event", "trait", "consent", "message", "merge", "split", "revived", "erased", "manual", "edit", "backfill"
]

_ADD = statement(
    """
    insert into segment.touch (workspace_id, person_no, cause, concern, cause_event_id, received_at)
    select :workspace_id::int, given.person_no, given.cause, given.concern, given.cause_event_id, given.received_at
    from unnest(:person_nos::int[], :causes::text[], :concerns::text[], :event_ids::uuid[], :received::timestamptz[])
        as given (person_no, cause, concern, cause_event_id, received_at)
    """
)
_READ = statement(
    """
    select touch_no, person_no, cause, concern, cause_event_id, received_at from segment.touch
    where workspace_id = :workspace_id order by touch_no limit :most
    """
)
_REMOVE = statement("delete from segment.touch where touch_no = any(:touch_nos::bigint[])")
_COUNT = statement("select count(*) from segment.touch where workspace_id = :workspace_id")
_WHO = statement("select distinct person_no from segment.touch where workspace_id = :workspace_id and person_no > 0")
_OLDEST = statement("select min(received_at) from segment.touch where workspace_id = :workspace_id")
_WAITING = statement(
    """
    select workspace_id from segment.touch
    union select workspace_id from segment.recompute
    union select workspace_id from segment.departure
    union select workspace_id from segment.block where inserted_at is null
    union select workspace_id from segment.erasure where done_at is null
    """
)


class Touch(msgspec.Struct, frozen=True, gc=False):
    """A person to be asked again; `concern` is `event:<name>`, `trait:<name>`, `segment:<id>` or "" (everything)."""

    person_no: int
    cause: TouchCause
    received_at: datetime
    concern: str = ""
    cause_event_id: UUID | None = None
    touch_no: int = 0


async def add_touches(tx: Tx, workspace_id: int, touches: Sequence[Touch]) -> None:
    """Note touches; the same person for the same concern once per call."""
    once = list({(touch.person_no, touch.cause, touch.concern): touch for touch in reversed(touches)}.values())
    if not once:
        return
    await tx.execute(
        _ADD,
        workspace_id=workspace_id,
        person_nos=[touch.person_no for touch in once],
        causes=[touch.cause for touch in once],
        concerns=[touch.concern.replace("\x00", "\ufffd") for touch in once],
        event_ids=[touch.cause_event_id for touch in once],
        received=[touch.received_at for touch in once],
    )


async def read_touches(tx: Tx, workspace_id: int, *, most: int) -> list[Touch]:
    """Return the oldest touches, left where they are."""
    rows = await tx.fetch(_READ, workspace_id=workspace_id, most=most)
    return [
        Touch(
            row["person_no"], row["cause"], row["received_at"], row["concern"], row["cause_event_id"], row["touch_no"]
        )
        for row in rows
    ]


async def remove_touches(tx: Tx, touch_nos: list[int]) -> None:
    """Forget touches that are answered."""
    await tx.execute(_REMOVE, touch_nos=touch_nos)


async def open_touches(tx: Tx, workspace_id: int) -> int:
    """Return how many touches wait."""
    return int(await tx.fetch_value(_COUNT, workspace_id=workspace_id))


async def touched_persons(tx: Tx, workspace_id: int) -> list[int]:
    """Return who waits to be asked again."""
    return [row["person_no"] for row in await tx.fetch(_WHO, workspace_id=workspace_id)]


async def oldest_received(tx: Tx, workspace_id: int) -> datetime | None:
    """Return the arrival of the oldest fact whose person was not asked again yet, for the watermark."""
    oldest: datetime | None = await tx.fetch_value(_OLDEST, workspace_id=workspace_id)
    return oldest


async def workspaces_with_work(tx: Tx) -> list[int]:
    """Return the workspaces in which something waits."""
    return [row["workspace_id"] for row in await tx.fetch(_WAITING)]
