"""Looking at dead letters, trying them again, giving them up: what an API and the command line call."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from libs.common.bus.inbox import DeadLetter, handle_again
from libs.common.bus.reason import reason_of
from libs.common.bus.subscription import Drop, Subscription, TryLater
from libs.common.bus.transient import is_transient
from libs.common.db import Tx, statement

if TYPE_CHECKING:
    from libs.common.runtime import Runtime

log = logging.getLogger(__name__)

_COLUMNS = """
dead_letter_id, workspace_id, consumer, subject, event_id, event, reason, attempts, status, created_at, settled_at
"""
_LIST = statement(
    f"select {_COLUMNS} from dead_letter where status = :status and dead_letter_id > :after "
    "order by dead_letter_id limit :limit"
)
_CLAIM = statement(
    f"select {_COLUMNS} from dead_letter where dead_letter_id = any(:ids::uuid[]) and status = 'open' "
    "order by dead_letter_id for update"
)
_SETTLE = statement(
    "update dead_letter set status = :status, settled_at = clock_timestamp() "
    "where dead_letter_id = any(:ids::uuid[]) and status = 'open'"
)
_FAILED = statement(
    "update dead_letter set attempts = attempts + 1, reason = :reason where dead_letter_id = :dead_letter_id"
)
_NONE = UUID(int=0)


async def list_dead_letters(
    tx: Tx, *, status: str = "open", after: UUID | None = None, limit: int = 100
) -> list[DeadLetter]:
    """Return the dead letters of the transaction's workspaces, oldest first, beginning after a dead_letter_id."""
    rows = await tx.fetch(_LIST, status=status, after=after or _NONE, limit=limit)
    return [DeadLetter(**dict(row)) for row in rows]


async def discard(tx: Tx, ids: Sequence[UUID]) -> int:
    """Give dead letters up; return how many were open."""
    return await tx.execute(_SETTLE, ids=list(ids), status="discarded")


Replay = Callable[[Tx, DeadLetter, "Runtime[Any]"], Awaitable[None]]


def handlers(runtime: "Runtime[Any]") -> dict[str, Subscription[Any] | Replay]:
    """Return who takes a process's dead letters in hand again, by consumer name: its subscriptions and its jobs."""
    known: dict[str, Subscription[Any] | Replay] = {
        loop.consumer_name: loop.subscription for loop in runtime.subscriptions
    }
    for name, loop in runtime.loops.items():
        if loop.job.replay is not None:
            known[f"{runtime.service}-{name}"] = loop.job.replay
    return known


async def replay(
    tx: Tx, runtime: "Runtime[Any]", known: Mapping[str, Subscription[Any] | Replay], ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Handle dead letters again, each in a savepoint; return what became of each: "replayed" or the reason it failed.

    `known` maps consumer names (`<service>-<file name>`) to subscriptions and the jobs' own ways of replaying. The
    transaction is one of the worker role over the letters' workspaces. Letters that fail stay open.
    """
    results: dict[UUID, str] = {}
    for row in await tx.fetch(_CLAIM, ids=list(ids)):
        letter = DeadLetter(**dict(row))
        results[letter.dead_letter_id] = await _replay_one(tx, runtime, known.get(letter.consumer), letter)
    done = [letter_id for letter_id, result in results.items() if result == "replayed"]
    await tx.execute(_SETTLE, ids=done, status="replayed")
    return results


async def _replay_one(
    tx: Tx, runtime: "Runtime[Any]", handler: Subscription[Any] | Replay | None, letter: DeadLetter
) -> str:
    if handler is None:
        return f"nothing here is named {letter.consumer}"
    try:
        async with tx.savepoint():
            if isinstance(handler, Subscription):
                await handle_again(tx, letter.consumer, letter.event_id)
                event = msgspec.json.decode(letter.event, type=handler.contract)
                await handler.handle(tx, [event], runtime)
            else:
                await handler(tx, letter, runtime)
    except Drop:
        return "replayed"
    except TryLater as answer:
        return str(answer)
    except Exception as error:
        if is_transient(error) or tx.driver.is_closed():
            raise
        reason = reason_of(error)
        log.warning("dead letter failed again", extra={"consumer": letter.consumer, "reason": reason})
        await tx.execute(_FAILED, dead_letter_id=letter.dead_letter_id, reason=reason)
        return reason
    return "replayed"
