"""One batch in one transaction: inbox, handler, dead letters; bisected when the handler fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic
from uuid import UUID

from libs.common.bus import inbox
from libs.common.bus.batch import Batch, Received
from libs.common.bus.inbox import NewDeadLetter, Suspicion
from libs.common.bus.reason import reason_of
from libs.common.bus.subscription import Drop, E, Subscription, TryLater
from libs.common.bus.transient import is_transient
from libs.common.db import Database, Tx

MAX_DEATHS = 3


@dataclass
class Outcome:
    """What became of a batch; `later` holds the events to come again, with their delay in seconds."""

    handled: int = 0
    seen_before: int = 0
    dropped: int = 0
    later: dict[UUID, float] = field(default_factory=dict)
    dead: list[NewDeadLetter] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take in what became of another part."""
        self.handled += other.handled
        self.seen_before += other.seen_before
        self.dropped += other.dropped
        self.later |= other.later
        self.dead += other.dead


class Interrupted(Exception):
    """The database or a neighbour is away: nothing of the batch is done, and it is nobody's fault."""


class Application(Generic[E]):
    """Applies batches of one subscription to the receiver's database."""

    def __init__(self, subscription: Subscription[E], runtime: Any, database: Database, consumer: str) -> None:
        self._subscription = subscription
        self._runtime = runtime
        self._database = database
        self._consumer = consumer
        self._consumer_no: int | None = None

    async def apply(self, batch: Batch[E]) -> Outcome:
        """Apply a batch and commit; raises TryLater when all of it waits, Interrupted when a dependency is away."""
        try:
            return await self._apply(batch)
        except (TryLater, Interrupted):
            raise
        except Exception as error:
            if is_transient(error):
                raise Interrupted(str(error) or type(error).__name__) from error
            raise

    async def apply_alone(self, batch: Batch[E], suspicion: Suspicion) -> Outcome:
        """Apply a message that was in hand when a process ended: the event that ends the process is set aside.

        After MAX_DEATHS such times its events are handled one by one, and the one that was in hand when the process
        ended once more is not tried again.
        """
        if suspicion.times <= MAX_DEATHS:
            return await self.apply(batch)
        number, sequence = await self.consumer_no(), batch.deliveries[0].sequence
        async with self._database.transaction(()) as tx:
            seen = await inbox.seen(tx, number, batch.events.keys())
        outcome = await self.apply(Batch(batch.deliveries, unreadable=batch.unreadable))
        outcome.seen_before += len(seen)
        for event_id in [known for known in batch.events if known not in seen]:
            single = Batch(batch.deliveries, {event_id: batch.events[event_id]})
            if event_id == suspicion.event_id:
                outcome.add(await self._bury(single))
                continue
            async with self._database.transaction(()) as tx:
                await inbox.take_alone(tx, number, sequence, event_id)
            try:
                outcome.add(await self.apply(single))
            except TryLater as answer:
                outcome.later[event_id] = answer.seconds
        return outcome

    async def _bury(self, batch: Batch[E]) -> Outcome:
        reason = f"the process ended {MAX_DEATHS} times while its message was in hand, and once more with it alone"
        async with self._transaction(batch) as tx:
            outcome, fresh = await self._receive(tx, batch, {})
            outcome.dead += [
                NewDeadLetter(received.event.workspace_id, received.event.id, received.line, reason)
                for received in fresh
            ]
            await self._settle(tx, outcome)
        return outcome

    async def consumer_no(self) -> int:
        """Return the consumer's number in the inbox."""
        if self._consumer_no is None:
            async with self._database.transaction(()) as tx:
                self._consumer_no = await inbox.register_consumer(tx, self._consumer)
        return self._consumer_no

    async def _apply(self, batch: Batch[E]) -> Outcome:
        later: dict[UUID, float] = {}
        dropped: frozenset[UUID] = frozenset()
        while True:
            try:
                return await self._in_one_piece(batch, later, dropped)
            except TryLater as answer:
                named = (answer.events & batch.events.keys()) - later.keys()
                if not named:
                    raise
                later.update(dict.fromkeys(named, answer.seconds))
            except Drop as answer:
                named = (answer.events & batch.events.keys()) - dropped
                if not named:
                    return await self._bisected(batch, later)
                dropped |= named
            except Exception as error:
                if is_transient(error):
                    raise
                return await self._bisected(batch, later)

    async def _in_one_piece(self, batch: Batch[E], later: Mapping[UUID, float], dropped: frozenset[UUID]) -> Outcome:
        async with self._transaction(batch) as tx:
            outcome, fresh = await self._receive(tx, batch, later)
            handled = [received.event for received in fresh if received.event.id not in dropped]
            if handled:
                await self._subscription.handle(tx, handled, self._runtime)
            outcome.handled += len(handled)
            outcome.dropped += len(fresh) - len(handled)
            await self._settle(tx, outcome)
        return outcome

    async def _bisected(self, batch: Batch[E], later: Mapping[UUID, float]) -> Outcome:
        async with self._transaction(batch) as tx:
            outcome, fresh = await self._receive(tx, batch, later)
            came_later = set(outcome.later)
            await self._halve(tx, fresh, outcome)
            new = outcome.later.keys() - came_later
            if new:
                await inbox.forget(tx, await self.consumer_no(), new)
            await self._settle(tx, outcome)
        return outcome

    def _transaction(self, batch: Batch[E]) -> Any:
        return self._database.transaction(batch.workspaces)

    async def _receive(self, tx: Tx, batch: Batch[E], later: Mapping[UUID, float]) -> tuple[Outcome, list[Received[E]]]:
        """Insert the inbox rows; return the events not handled before, in their order."""
        outcome = Outcome(later=dict(later))
        ids = batch.ids - later.keys()
        unseen = await inbox.add_unseen(tx, await self.consumer_no(), ids)
        outcome.seen_before = len(ids) - len(unseen)
        outcome.dead += [
            NewDeadLetter(line.workspace_id, line_id, line.line, line.reason)
            for line_id, line in batch.unreadable.items()
            if line_id in unseen
        ]
        return outcome, [received for event_id, received in batch.events.items() if event_id in unseen]

    async def _halve(self, tx: Tx, part: list[Received[E]], outcome: Outcome) -> None:
        """Handle a part in a savepoint; when it fails, its halves, down to the one event that is at fault."""
        if not part:
            return
        try:
            async with tx.savepoint():
                await self._subscription.handle(tx, [received.event for received in part], self._runtime)
        except TryLater as answer:
            ids = {received.event.id for received in part}
            outcome.later.update(dict.fromkeys((answer.events & ids) or ids, answer.seconds))
            rest = [received for received in part if received.event.id not in outcome.later]
            await self._halve(tx, rest, outcome)
            return
        except Exception as error:
            if is_transient(error) or tx.driver.is_closed():
                raise
            if len(part) == 1:
                _judge(part[0], error, outcome)
                return
        else:
            outcome.handled += len(part)
            return
        middle = len(part) // 2
        await self._halve(tx, part[:middle], outcome)
        await self._halve(tx, part[middle:], outcome)

    async def _settle(self, tx: Tx, outcome: Outcome) -> None:
        if outcome.dead:
            await tx.see({letter.workspace_id for letter in outcome.dead} | set(tx.workspaces))
            await inbox.add_dead_letters(tx, self._consumer, self._subscription.contract.subject, outcome.dead)


def _judge(received: Received[Any], error: Exception, outcome: Outcome) -> None:
    if isinstance(error, Drop):
        outcome.dropped += 1
        return
    letter = NewDeadLetter(received.event.workspace_id, received.event.id, received.line, reason_of(error))
    outcome.dead.append(letter)
