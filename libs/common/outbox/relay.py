"""The relay: publishes the outbox queue, and keeps the log until every consumer has applied it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from libs.common.bus.port import (
    COUNT_HEADER,
    MARK_HEADER,
    WORKSPACE_HEADER,
    Bus,
    BusUnavailable,
    Outgoing,
    Published,
    Refused,
)
from libs.common.bus.transient import is_transient
from libs.common.contracts.event import Event, consumers_of
from libs.common.db import Database, Tx
from libs.common.idle import idle_pause
from libs.common.outbox import store
from libs.common.outbox.add import wake_by
from libs.common.outbox.housekeeping import keep_house
from libs.common.outbox.messages import Message, merge

log = logging.getLogger(__name__)

ROUND_ROWS = 1000
ROUND_BYTES = 8 * 2**20
MAX_PAUSE_SECONDS = 5.0


class Relay:
    """Publishes what a service has said. Several may run; one at a time is active, so that order is kept.

    `contracts` are those the service owns: the log waits for the consumers they name from the first event on.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        service: str,
        *,
        contracts: Sequence[type[Event]] = (),
        idle_seconds: float = 0.1,
        house_seconds: float = 2.0,
    ) -> None:
        self._database = database
        self._bus = bus
        self._service = service
        self._expected = [(contract.subject, name) for contract in contracts for name in consumers_of(contract)]
        self._idle_seconds = idle_seconds
        self._house_seconds = house_seconds
        self._wakened = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._house_at = 0.0
        self._mark: datetime | None = None
        self._workspaces: set[int] = set()
        self.published_total = 0
        self.last_refusal = ""

    async def start(self) -> None:
        """Begin; the bus need not be there yet."""
        wake_by(self._wakened)
        self._task = asyncio.create_task(self._run(), name=f"relay {self._service}")

    async def stop(self) -> None:
        """Finish the round in hand, then end."""
        self._stopping = True
        self._wakened.set()
        if self._task is not None:
            await self._task

    async def publish_once(self) -> int:
        """Publish one window; return how many rows are now in the stream. Raises BusUnavailable when none was taken."""
        async with self._database.transaction(()) as tx:
            if not await store.lead(tx, self._service):
                return 0
            rows = await store.claim(tx, rows=ROUND_ROWS, max_bytes=ROUND_BYTES)
            if not rows:
                return 0
            messages = merge(rows)
            # The transaction stays open while the window is acknowledged (milliseconds; 5 s when the bus hangs). Its
            # row locks are the claim: a crash gives them back at once, where a lease would have to run out first.
            answers = await self._bus.publish([self._outgoing(message) for message in messages])
            sent = await self._record(tx, messages, answers)
        self.published_total += sent
        self._note_refusals(answers, sent)
        return sent

    async def keep_house(self) -> None:
        """Bring the log in line with the stream and its consumers: re-enqueue what was lost, drop what is applied."""
        mark = await keep_house(self._database, self._bus, self._service)
        self._mark = mark or self._mark

    def _outgoing(self, message: Message) -> Outgoing:
        first = message.rows[0]
        headers = {WORKSPACE_HEADER: str(first.workspace_id), COUNT_HEADER: str(message.event_count)}
        if self._mark is not None:
            headers[MARK_HEADER] = self._mark.isoformat()
        traceparent = next((row.traceparent for row in message.rows if row.traceparent), None)
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return Outgoing(message.subject, message.payload, f"{self._service}-{message.key}", headers)

    async def _record(self, tx: Tx, messages: Sequence[Message], answers: Sequence[Published | Refused]) -> int:
        sequences = {
            row.log_id: answer.sequence
            for message, answer in zip(messages, answers, strict=True)
            if isinstance(answer, Published)
            for row in message.rows
        }
        if not sequences:
            return 0
        fresh = [answer.sequence for answer in answers if isinstance(answer, Published) and not answer.duplicate]
        if fresh:
            await self._watch_sequences(tx, fresh)
        unknown = set(tx.workspaces) - self._workspaces
        if unknown:
            await store.know_workspaces(tx, unknown)
            self._workspaces |= unknown
        await store.record_sent(tx, sequences)
        return len(sequences)

    async def _watch_sequences(self, tx: Tx, fresh: Sequence[int]) -> None:
        """A stream that counts again what it had counted before has lost the messages in between: say them again."""
        known = await store.known_stream(tx, self._service)
        if known is None:
            return
        created_at, last_sequence = known
        if min(fresh) <= last_sequence:
            log.error("the stream went back; its lost messages are published again", extra={"stream": self._service})
            visible = tx.workspaces
            await store.see_all_workspaces(tx)
            await store.enqueue_again(tx, subjects=None, above=min(fresh) - 1, below=None)
            await tx.see([*tx.workspaces, *visible])
        await store.save_stream(tx, self._service, created_at, max(fresh))

    def _note_refusals(self, answers: Sequence[Published | Refused], sent: int) -> None:
        refused = [answer.reason for answer in answers if isinstance(answer, Refused)]
        self.last_refusal = refused[0] if refused else ""
        if refused:
            log.warning("publish refused", extra={"stream": self._service, "reason": refused[0], "count": len(refused)})
        if refused and not sent:
            raise BusUnavailable(refused[0])

    async def _run(self) -> None:
        failures = empty = 0
        ensured = False
        while not self._stopping:
            self._wakened.clear()
            try:
                if not ensured:
                    await self._expect_consumers()
                    await self._bus.ensure_stream(self._service)
                    self._house_at = 0.0
                await self._keep_house_by_and_by()
                ensured = True
                sent = await self.publish_once()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever happened, what was said still has to go out
                ensured = False
                sent = 0
                failures += 1
                self._log_failure(error)
            empty = 0 if sent else empty + 1
            if not sent:
                pause = min(self._idle_seconds * 2 ** min(failures, 10), MAX_PAUSE_SECONDS)
                await self._pause(pause if failures else idle_pause(pause, empty - 1))

    async def _expect_consumers(self) -> None:
        async with self._database.transaction(()) as tx:
            await store.expect_consumers(tx, self._expected)

    async def _keep_house_by_and_by(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._house_at:
            self._house_at = now + self._house_seconds
            await self.keep_house()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wakened.wait(), seconds)

    def _log_failure(self, error: Exception) -> None:
        if is_transient(error):
            log.warning("relay waits", extra={"service": self._service, "reason": str(error)})
        else:
            log.error("relay failed; it will try again", extra={"service": self._service}, exc_info=error)
