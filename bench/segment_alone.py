"""For benches: the real system without the services that segment does not need, and what identity would tell it."""

import random
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from bench.start_system import cpu_seconds, family
from launcher.stack import Stack
from libs.common.bus import NatsBus
from libs.common.bus.port import COUNT_HEADER, WORKSPACE_HEADER, Outgoing, Published
from libs.common.contracts.event import Event
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.http.pools import keep_all
from libs.common.ids import new_id
from libs.common.outbox.rows import group

AWAKE = ("identity", "segment")
ASLEEP = ("profile", "journey", "messaging")
WORKSPACE = 1
_COMPARED = """
with asked as (update segment.reconciliation set finished_at = now() where finished_at is null)
insert into segment.reconciliation (workspace_id, reconciliation_id, is_nightly, requested_at, finished_at)
values ($1, gen_random_uuid(), true, now(), now())
"""


@dataclass
class Alone:
    """The system, a client with the admin's key in the bench's workspace, and the bus as identity has it."""

    stack: Stack
    http: httpx.AsyncClient
    bus: NatsBus

    async def call(self, method: str, service: str, path: str, **options: Any) -> Any:
        """Call; raise with the answer's text when it is refused."""
        answer = await self.http.request(method, self.stack.url(service) + path, **options)
        if answer.status_code >= 400:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    async def say(self, events: Iterable[Event]) -> None:
        """Publish events as identity's relay would."""
        messages = [
            Outgoing(
                f"{row.subject}.{row.pp}",
                row.payload,
                f"identity-{blake2b(row.payload, digest_size=16).hexdigest()}",
                {WORKSPACE_HEADER: str(row.workspace_id), COUNT_HEADER: str(len(row.lines))},
            )
            for row in group(events)
        ]
        answers = await self.bus.publish(messages)
        if not all(isinstance(answer, Published) for answer in answers):
            raise RuntimeError(f"the bus refused: {answers[0]}")

    def processor(self) -> dict[str, float]:
        """Return the processor seconds each program and its children have used."""
        return {
            name: sum(map(cpu_seconds, family(pid)))
            for name in self.stack.supervisor.children
            if (pid := self.stack.pid(name)) is not None
        }


@asynccontextmanager
async def segment_alone(settings: Mapping[str, str] | None = None) -> AsyncIterator[Alone]:
    """Start identity (which is told nothing) and segment, and make the workspace; what others would say is empty."""
    with tempfile.TemporaryDirectory(prefix="rapport-segment-") as home:
        async with Stack(home=Path(home), mode="test", services=AWAKE, postgres_settings=settings) as stack:
            headers = {"authorization": f"Bearer {stack.admin_key}", "x-workspace": "bench"}
            bus = await NatsBus.connect(stack.nats_url, service="identity")
            async with httpx.AsyncClient(headers=headers, timeout=600, limits=keep_all(), trust_env=False) as http:
                alone = Alone(stack, http, bus)
                made = {"key": "bench", "name": "Bench"}
                await alone.call("POST", "identity", "/v1/identity/workspaces", json=made, headers={"x-workspace": "0"})
                for name in ASLEEP:
                    await bus.ensure_stream(name)
                await _compare_nothing(stack.admin_database_url)
                yield alone
            await bus.close()


async def _compare_nothing(database_url: str) -> None:
    """Let tonight's comparison be done: it waits for services that sleep here, and what waits is never drained."""
    admin = await asyncpg.connect(database_url)
    await admin.execute(_COMPARED, WORKSPACE)
    await admin.close()


def main_subject(person_no: int) -> int:
    """Return the number of the identifier a person came with; cookies have odd ones."""
    return 2 * person_no


@dataclass
class Crowd:
    """Persons doing things: half of the events are of persons known before, 5 % bring a known one a new cookie."""

    known: int
    names: Sequence[str]
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    version: int = 1
    cookies: int = 0
    strangers: float = 0.5

    def person_id(self, person_no: int) -> UUID:
        """Return the same id for the same number."""
        return UUID(int=(7 << 76) | (2 << 62) | person_no)

    def batch(self, count: int) -> list[Event]:
        """Return what identity says of so many events."""
        return [event for _ in range(count) for event in self._one(datetime.now(UTC))]

    def does(self, person_no: int, name: str, at: datetime) -> EventRecorded:
        """Return an event of a known person."""
        return self._recorded(person_no, main_subject(person_no), name, at)

    def _one(self, now: datetime) -> Iterator[Event]:
        if self.rng.random() < self.strangers:
            self.known += 1
            person = self.known
            self.version += 1
            yield PersonCreated(
                workspace_id=WORKSPACE, person_no=person, person_id=self.person_id(person), received_at=now,
                occurred_at=now, graph_version=self.version,
            )  # fmt: skip
            subject = main_subject(person)
            yield self._owned(subject, person, now)
        else:
            person = self.rng.randrange(self.known) + 1
            subject = main_subject(person)
            if self.rng.random() < 0.1:
                self.cookies += 1
                subject = 2 * self.cookies + 1
                yield self._owned(subject, person, now)
        yield self._recorded(person, subject, self.rng.choice(self.names), now)

    def _owned(self, subject: int, person: int, now: datetime) -> OwnershipChanged:
        self.version += 1
        return OwnershipChanged(
            workspace_id=WORKSPACE, person_no=person, person_id=self.person_id(person), subject_no=subject,
            version=self.version, namespace="user_id", received_at=now, occurred_at=now,
        )  # fmt: skip

    def _recorded(self, person: int, subject: int, name: str, now: datetime) -> EventRecorded:
        properties = {"price": self.rng.randrange(10_000) / 100, "sku": f"s-{self.rng.randrange(500)}"}
        return EventRecorded(
            workspace_id=WORKSPACE, person_no=person, person_id=self.person_id(person), subject_no=subject,
            identifier_nos=(subject,), kind="track", name=name, source_id=1, message_id=str(new_id()),
            properties=msgspec.Raw(msgspec.json.encode(properties)), received_at=now, occurred_at=now,
        )  # fmt: skip
