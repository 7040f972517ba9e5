"""The consumer loop: fetch, apply, acknowledge; the words a handler may answer become acks, naks and dead letters."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from libs.common.bus.apply import Application, Interrupted, Outcome
from libs.common.bus.batch import Batch, batches
from libs.common.bus.checkpoints import Checkpoints
from libs.common.bus.inbox import Suspicion, prune
from libs.common.bus.port import MARK_HEADER, BusUnavailable, Consumer, ConsumerLost, Delivery
from libs.common.bus.subscription import Subscription, TryLater
from libs.common.bus.suspicion import Suspicions
from libs.common.bus.transient import is_transient
from libs.common.telemetry.spans import continued

if TYPE_CHECKING:
    from libs.common.runtime import Runtime

log = logging.getLogger(__name__)

FETCH_MESSAGES = 100
MAX_PAUSE_SECONDS = 10.0
PRUNE_SECONDS = 60.0


class SubscriptionLoop:
    """Follows one subscription until stopped. Nothing is acknowledged before its effects are committed.

    `observe` instead of `start` lets a process without subscribers answer how far the service is.
    """

    def __init__(self, subscription: Subscription[Any], runtime: "Runtime[Any]") -> None:
        self.subscription = subscription
        self.name = subscription.name
        self.consumer_name = f"{runtime.service}-{subscription.name}"
        self.handled_total = 0
        self.dropped_total = 0
        self.dead_total = 0
        self.in_hand = 0
        self._bus = runtime.bus
        self._database = runtime.worker_database
        self._decoder = msgspec.json.Decoder(subscription.contract)
        self._application = Application(subscription, runtime, runtime.worker_database, self.consumer_name)
        self._consumer: Consumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._failures = 0
        self._checkpoints = Checkpoints()
        self._suspicions = Suspicions(runtime.worker_database)
        self._mark: datetime | None = None
        self._prune_at = 0.0

    async def start(self) -> None:
        """Begin; a bus or stream that is not there yet is waited for."""
        self._task = asyncio.create_task(self._run(), name=f"subscription {self.consumer_name}")

    async def observe(self) -> None:
        """Look at the consumer without taking anything from it: another process of the service follows it."""
        self._task = asyncio.create_task(self._observe(), name=f"observer {self.consumer_name}")

    async def stop(self) -> None:
        """Finish the batch in hand, give back the rest, end."""
        self._stopping.set()
        if self._consumer is not None:
            self._consumer.interrupt()
        if self._task is not None:
            await self._task
        await self._release()

    async def pending(self) -> int:
        """Return the number of messages not yet applied; 1 when nobody knows, so that "drained" is never claimed."""
        if self._consumer is None:
            return 1
        try:
            state = await self._consumer.state()
        except Exception:  # noqa: BLE001 - whatever hides the state, the answer is "not known to be empty"
            return 1
        return state.pending + state.ack_pending

    async def watermark(self, workspace_id: int, present: datetime) -> datetime | None:
        """Return an instant, at most `present` (taken before), before which all the stream had is applied.

        None: nobody knows yet. Each look leaves a checkpoint that a later one may find passed.
        """
        with suppress(Exception):  # whatever hides the state, what was reached before stays reached
            if self._consumer is not None:
                await self._look(self._consumer, workspace_id, present)
        return self._checkpoints.reached(workspace_id)

    async def _look(self, consumer: Consumer, workspace_id: int, present: datetime) -> None:
        state = await consumer.state()
        if state.pending + state.ack_pending == 0:
            self._checkpoints.reach(workspace_id, present)
            return
        stream = await self._bus.stream_state(self.subscription.owner)
        self._checkpoints.pass_floor(workspace_id, state.ack_floor, stream.created_at)
        self._checkpoints.note(workspace_id, present, stream.last_sequence, stream.created_at)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._follow()
            except (BusUnavailable, ConsumerLost) as error:
                log.info("subscription waits", extra={"consumer": self.consumer_name, "reason": str(error)})
                self._failures = min(self._failures, 2)
            except Exception as error:
                if not is_transient(error):
                    log.exception("subscription failed", extra={"consumer": self.consumer_name})
            await self._release()
            await self._pause()

    async def _observe(self) -> None:
        while not self._stopping.is_set():
            with suppress(BusUnavailable, ConsumerLost):
                await self._bind()
                await self._stopping.wait()
            await self._pause()

    async def _bind(self) -> Consumer:
        self._consumer = await self._bus.consumer(
            self.subscription.owner, self.consumer_name, self.subscription.contract.subject,
            self.subscription.ack_wait_seconds,
        )  # fmt: skip
        return self._consumer

    async def _follow(self) -> None:
        await self._application.consumer_no()
        consumer = await self._bind()
        while not self._stopping.is_set():
            deliveries = await consumer.fetch(FETCH_MESSAGES, 1.0)
            if deliveries:
                await self._take(deliveries)
            await self._prune_by_and_by()

    async def _release(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(BusUnavailable, ConsumerLost):
                await consumer.close()

    async def _pause(self) -> None:
        self._failures += 1
        pause = min(0.1 * 2 ** min(self._failures, 10), MAX_PAUSE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)

    async def _take(self, deliveries: Sequence[Delivery]) -> None:
        open_deliveries = dict.fromkeys(deliveries)
        heartbeat = asyncio.create_task(self._beat(open_deliveries))
        self.in_hand = len(deliveries)
        number = await self._application.consumer_no()
        interrupted = False
        try:
            suspicions = await self._suspicions.weigh(number, deliveries)
            for batch, suspicion in self._cut(deliveries, suspicions):
                if self._stopping.is_set():
                    break
                interrupted = not await self._apply(batch, suspicion)
                if interrupted:
                    break
                for delivery in batch.deliveries:
                    open_deliveries.pop(delivery)
                await self._suspicions.clear(number, [delivery.sequence for delivery in batch.deliveries])
        finally:
            heartbeat.cancel()
            self.in_hand = 0
            for delivery in open_deliveries:
                await self._give_back(delivery)
            await self._suspicions.clear(number, [delivery.sequence for delivery in deliveries])
        if interrupted:
            await self._pause()

    def _cut(
        self, deliveries: Sequence[Delivery], suspicions: Mapping[int, Suspicion]
    ) -> Iterable[tuple[Batch[Any], Suspicion | None]]:
        """Cut into batches; a message that was in hand, counted, when a process ended is a batch of its own."""
        alone = {sequence for sequence, suspicion in suspicions.items() if suspicion.times > 1}
        usual = [delivery for delivery in deliveries if delivery.sequence not in alone]
        for batch in batches(usual, self._decoder, self.subscription.batch_events):
            yield batch, None
        for delivery in deliveries:
            if delivery.sequence in alone:
                for batch in batches([delivery], self._decoder, 1):
                    yield batch, suspicions[delivery.sequence]

    async def _apply(self, batch: Batch[Any], suspicion: Suspicion | None) -> bool:
        """Apply and answer one batch; False when a dependency is away and the rest should be given back."""
        try:
            with continued(self.consumer_name, batch.deliveries[0].headers, len(batch.events)):
                if suspicion is None:
                    outcome = await self._application.apply(batch)
                else:
                    outcome = await self._application.apply_alone(batch, suspicion)
        except TryLater as answer:
            await self._answer(batch, Outcome(later=dict.fromkeys(batch.ids, answer.seconds)))
            return True
        except Interrupted as error:
            log.warning("subscription interrupted", extra={"consumer": self.consumer_name, "reason": str(error)})
            return False
        self._failures = 0
        self._count(outcome)
        await self._answer(batch, outcome)
        return True

    async def _answer(self, batch: Batch[Any], outcome: Outcome) -> None:
        """Acknowledge every message, but ask again for those with an event that has to come later."""
        delays: dict[int, float] = {}
        for event_id, seconds in outcome.later.items():
            holder = batch.events.get(event_id) or batch.unreadable[event_id]
            sequence = holder.delivery.sequence
            delays[sequence] = max(seconds, delays.get(sequence, 0.0))
        for delivery in batch.deliveries:
            if delivery.sequence in delays:
                await self._give_back(delivery, delays[delivery.sequence])
            else:
                self._suspicions.acknowledge(delivery)
                await delivery.ack()
        mark = batch.deliveries[-1].headers.get(MARK_HEADER)
        if mark:
            self._mark = datetime.fromisoformat(mark)

    async def _give_back(self, delivery: Delivery, delay_seconds: float = 0) -> None:
        self._suspicions.give_back(delivery)
        await delivery.nak(delay_seconds)

    def _count(self, outcome: Outcome) -> None:
        self.handled_total += outcome.handled
        self.dropped_total += outcome.dropped
        self.dead_total += len(outcome.dead)
        for letter in outcome.dead:
            log.error(
                "event set aside",
                extra={"consumer": self.consumer_name, "event_id": str(letter.event_id), "reason": letter.reason},
            )

    async def _beat(self, deliveries: dict[Delivery, None]) -> None:
        while True:
            await asyncio.sleep(self.subscription.ack_wait_seconds / 3)
            for delivery in list(deliveries):
                await delivery.in_progress()

    async def _prune_by_and_by(self) -> None:
        now = time.monotonic()
        if self._mark is None or now < self._prune_at:
            return
        self._prune_at = now + PRUNE_SECONDS
        async with self._database.transaction(()) as tx:
            await prune(tx, await self._application.consumer_no(), self._mark)
