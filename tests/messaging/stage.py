"""The messaging service on a stage: real database and pipeline, fake neighbours and providers, a driven clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec

from libs.common.bus import MemoryBus
from libs.common.contracts.event import Event
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from tests.fixtures.apps import House, ServiceApp
from tests.messaging.neighbours import FakeNeighbours, person_id_of
from tests.messaging.provider import FakeProvider

TEXT = {"subject": "Hello", "text": "Hello {{ person.first_name | default: 'friend' }}"}


@dataclass
class Stage:
    """What a test of the pipeline holds."""

    app: ServiceApp
    neighbours: FakeNeighbours
    bus: MemoryBus

    @property
    def client(self) -> httpx.AsyncClient:
        return self.app.client

    def provider(self, name: str, **options: Any) -> FakeProvider:
        provider = FakeProvider(name, **options)
        self.app.runtime.parts.channels[name] = provider
        return provider

    async def ask(self, person_no: int, *channels: str, **fields: Any) -> UUID:
        """Ask for a message and return its id."""
        self.neighbours.person(person_no)
        body = {"person_id": str(person_id_of(person_no)), "channels": list(channels), "content": TEXT, **fields}
        body.setdefault("class", "marketing")
        answer = await self.client.post("/v1/messaging/messages", json=body)
        assert answer.status_code in (200, 202), answer.text
        return UUID(answer.json()["message_id"])

    async def message(self, message_id: UUID) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/messaging/messages/{message_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def states(self, message_id: UUID) -> list[str]:
        return [step["state"] for step in (await self.message(message_id))["steps"]]

    async def policies(self, **rules: Any) -> None:
        answer = await self.client.put("/v1/messaging/policies", json=rules)
        assert answer.status_code == 200, answer.text

    async def hear(self, handle: Any, *events: Event) -> None:
        """Let a subscriber apply events, as the bus would."""
        workspaces = sorted({event.workspace_id for event in events})
        async with self.app.runtime.worker_database.transaction(workspaces) as tx:
            await handle(tx, list(events), self.app.runtime)

    async def settle(self) -> None:
        await self.app.drain()

    async def advance(self, until: datetime) -> None:
        await self.app.advance_to(until)

    @property
    def now(self) -> datetime:
        return self.app.runtime.now(1)

    async def said(self) -> list[MessageProgressed]:
        """Return everything said so far, in order."""
        async with self.app.runtime.worker_database.transaction(1) as tx:
            rows = await tx.driver.fetch("select payload from outbox_log order by log_id")
        decoder = msgspec.json.Decoder(MessageProgressed)
        return [decoder.decode(line) for row in rows for line in bytes(row["payload"]).splitlines() if line]


async def a_stage(house: House) -> Stage:
    """Start messaging among fake neighbours."""
    neighbours = FakeNeighbours()
    house.transports["profile"] = house.transports["identity"] = neighbours.transport()
    for owner in ("identity", "profile", "journey"):
        await house.bus.ensure_stream(owner)
    app = await house.start("messaging")
    return Stage(app, neighbours, house.bus)
