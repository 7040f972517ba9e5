"""The consumer's side: fetch a page from the owner, apply it, move on; in one transaction a page."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import msgspec

from libs.common.bus import inbox
from libs.common.bus.apply import Application, Outcome
from libs.common.bus.batch import Batch
from libs.common.bus.inbox import NewDeadLetter
from libs.common.bus.port import WORKSPACE_HEADER
from libs.common.bus.subscription import Subscription, TryLater
from libs.common.errors import Problem, Unavailable
from libs.common.jobs import Job
from libs.common.replay import store
from libs.common.replay.requests import rebuildable
from libs.common.replay.store import Replay
from libs.common.replay.telling import MOST_EVENTS, Page
from libs.common.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Retold:
    """A page in the form of a message; nobody waits for its answer."""

    payload: bytes
    headers: dict[str, str]
    subject: str = ""
    sequence: int = 0
    attempt: int = 1
    answers: list[str] = field(default_factory=list)

    async def ack(self) -> None:
        """Nothing to say."""

    async def nak(self, delay_seconds: float = 0) -> None:
        """Nothing to say."""

    async def term(self) -> None:
        """Nothing to say."""

    async def in_progress(self) -> None:
        """Nothing to say."""


class Reapplication(Application[Any]):
    """Applies pages of a replay: the inbox is asked since when the rebuild goes on, not whether it knows an event."""

    async def apply_page(self, replay: Replay, page: Page) -> Outcome:
        """Apply a page and move the replay behind it, in one transaction; raises TryLater when the page has to wait."""
        decoder = msgspec.json.Decoder(self._subscription.contract)
        batch: Batch[Any] = Batch()
        lines = b"\n".join(bytes(event) for event in page.events)
        batch.add(_Retold(lines, {WORKSPACE_HEADER: str(replay.workspace_id)}), decoder)
        to_come = {
            event_id
            for event_id, received in batch.events.items()
            if page.unsaid_from is not None and received.event.received_at >= page.unsaid_from
        }
        consumer_no = await self.consumer_no()
        outcome = Outcome()
        async with self._database.transaction(replay.workspace_id) as tx:
            told = len(page.events)
            if not await store.advance(tx, replay, following=page.following, told=told, reached=page.reached):
                return outcome
            # before the inbox, in the order of whoever tries a dead letter again
            letters = await inbox.hold_dead_letters(tx, self._consumer, batch.ids)
            fresh = await store.unhandled(tx, consumer_no, batch.ids, since=replay.since, to_come=to_come)
            outcome.seen_before = len(batch.ids) - len(fresh)
            outcome.dead += [
                NewDeadLetter(line.workspace_id, line_id, line.line, line.reason)
                for line_id, line in batch.unreadable.items()
                if line_id in fresh
            ]
            await self._halve(tx, [batch.events[one] for one in batch.events if one in fresh], outcome)
            if outcome.later:
                raise TryLater(max(outcome.later.values()), reason="a page of a replay waits")
            failed = {letter.event_id for letter in outcome.dead}
            await inbox.settle_dead_letters(tx, self._consumer, (letters & fresh) - failed)
            await self._settle(tx, outcome)
            await store.count(tx, replay, applied=outcome.handled, set_aside=len(outcome.dead))
        return outcome


async def run(runtime: Runtime[Any]) -> int:
    """Apply one page of each replay that goes on; a replay whose owner is away waits alone."""
    async with runtime.worker_database.transaction(()) as tx:
        replays = await store.open_replays(tx)
    done = 0
    for replay in replays:
        try:
            done += await _advance(runtime, replay, rebuildable(runtime))
        except (Problem, TryLater) as trouble:
            reason = trouble.detail if isinstance(trouble, Problem) else str(trouble)
            log.warning("a replay waits", extra={"consumer": replay.consumer, "reason": reason})
            async with runtime.worker_database.transaction(()) as tx:
                await store.note_trouble(tx, replay, reason)
    if replays and not done:
        raise Unavailable("no replay could go on")
    return done


async def _advance(runtime: Runtime[Any], replay: Replay, known: Mapping[str, Subscription[Any]]) -> int:
    subscription = known.get(replay.consumer)
    if subscription is None or subscription.again is None:
        raise Unavailable(f"{replay.consumer} is not to be rebuilt by this version")
    await runtime.directory.ensure_workspaces([replay.workspace_id])
    query = {"subject": replay.subject, "limit": str(MOST_EVENTS)}
    query |= {"after": replay.position} if replay.position is not None else {}
    owner = subscription.owner
    path = f"/v1/{owner}/told?{urlencode(query)}"
    page = await runtime.peers.get(owner, path, replay.workspace_id, Page)
    consumer = f"{runtime.service}-{replay.consumer}"
    again = replace(subscription, handle=subscription.again)
    await Reapplication(again, runtime, runtime.worker_database, consumer).apply_page(replay, page)
    return max(1, len(page.events))


async def open_count(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return how many replays of a workspace go on."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await store.count_open(tx, workspace_id, list(rebuildable(runtime)))


job = Job(name="apply_replays", run=run, open=open_count, idle_seconds=2.0)
