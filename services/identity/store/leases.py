"""Queues of long work: what is taken stays on the queue under a lease until it is done.

Who takes it over is told by `begun`, the number of times it was begun: whoever began before that writes nothing more.
`tries` are those of them that may tell against the work: it failed by itself, or nobody heard of its worker again.
"""

from datetime import timedelta
from uuid import UUID

from libs.common.db import Tx, statement

LEASE = timedelta(seconds=120)
"""For how long, by the wall clock, what somebody has in hand is nobody else's."""
RENEW_SECONDS = 30.0


class LeasedQueue:
    """A queue of ids: `work` is the table of what is worked at, `ready` a condition on a queue row q."""

    def __init__(self, queue: str, work: str, name: str, *, ready: str = "true") -> None:
        mine = f"workspace_id = :workspace_id and {name} = :one"
        self._claim = statement(
            f"update {queue} set taken_until = clock_timestamp() + :lease::interval where {name} ="
            f" (select q.{name} from {queue} q where q.taken_until < clock_timestamp() and {ready}"
            f" order by q.{name} limit 1 for update skip locked) returning workspace_id, {name}"
        )
        self._begin = statement(f"update {work} set begun = begun + 1, tries = tries + 1 where {mine} returning begun")
        self._renew = statement(
            f"update {queue} set taken_until = clock_timestamp() + :lease::interval where {mine}"
            f" and exists (select from {work} where {mine} and begun = :begun)"
        )
        self._let_go = statement(
            f"update {queue} set taken_until = '-infinity' where {mine}"
            f" and exists (select from {work} where {mine} and begun = :begun)"
        )
        self._forgive = statement(f"update {work} set tries = tries - 1 where {mine} and begun = :begun")
        self._end = statement(f"delete from {queue} where {mine}")

    async def claim(self, tx: Tx) -> tuple[int, UUID] | None:
        """Take the oldest that nobody has in hand (worker role); return its workspace and id."""
        found = await tx.fetch_one(self._claim, lease=LEASE)
        return (found[0], found[1]) if found else None

    async def begin(self, tx: Tx, workspace_id: int, one: UUID) -> int:
        """Note that it is begun once more; return how many times that makes, 0 when there is no such work any more."""
        return await tx.fetch_value(self._begin, workspace_id=workspace_id, one=one) or 0

    async def renew(self, tx: Tx, workspace_id: int, one: UUID, begun: int) -> bool:
        """Have it in hand for another lease; False when somebody began it since."""
        told = await tx.execute(self._renew, workspace_id=workspace_id, one=one, begun=begun, lease=LEASE)
        return told > 0

    async def let_go(self, tx: Tx, workspace_id: int, one: UUID, begun: int, *, counts: bool) -> None:
        """Leave it to anybody at once; a try counts that failed by itself, not one that was interrupted."""
        await tx.execute(self._let_go, workspace_id=workspace_id, one=one, begun=begun)
        if not counts:
            await tx.execute(self._forgive, workspace_id=workspace_id, one=one, begun=begun)

    async def end(self, tx: Tx, workspace_id: int, one: UUID) -> None:
        """Take it off the queue."""
        await tx.execute(self._end, workspace_id=workspace_id, one=one)
