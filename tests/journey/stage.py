"""Everything around the journey service: events in, intents out, and fakes that answer like the neighbours."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import msgspec

from libs.common.bus.port import WORKSPACE_HEADER, Outgoing, Published
from libs.common.contracts.event import Event
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import statement
from libs.common.outbox.rows import group
from tests.fixtures.apps import House, ServiceApp

WORKSPACE = 1
GO = {"on": "event", "event": "go"}
SEND = {"id": "hello", "type": "send", "channel": "email"}
NAMES = UUID("018f0000-0000-7000-8000-000000000000")


def wait(name: str, duration: str, **more: Any) -> dict[str, Any]:
    """Return a node that waits."""
    return {"id": name, "type": "wait", "for": duration, **more}


def named(kind: str, name: str) -> UUID:
    """Return the same id for the same name."""
    return uuid5(NAMES, f"{kind}:{name}")


@dataclass
class Neighbours:
    """Segment, profile and identity as far as the journey service asks them: what the test says is so."""

    members: dict[str, set[int]] = field(default_factory=dict)
    conditions: dict[str, set[int]] = field(default_factory=dict)
    traits: dict[int, dict[str, Any]] = field(default_factory=dict)
    persons: dict[UUID, int] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    away: bool = False
    watermark: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        """Return the way to them."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away")
        body = msgspec.json.decode(request.content) if request.content else {}
        path = request.url.path
        self.asked.append((path, body))
        if path == "/v1/segment/questions/membership":
            condition = body.get("condition", {})
            if "nonsense" in condition:
                errors = [{"pointer": "/condition/nonsense", "detail": "no such member", "code": "unknown"}]
                return httpx.Response(422, json={"detail": "not a condition", "errors": errors})
            if "refuse" in condition and body["person_nos"]:  # it was one when the journey was published
                return httpx.Response(422, json={"detail": "not a condition"})
            key = body.get("segment_id")
            inside = (
                self.members.get(key, set()) if key else self.conditions.get(str(body["condition"].get("trait")), set())
            )
            return httpx.Response(200, json={"person_nos": [p for p in body["person_nos"] if p in inside]})
        if path == "/v1/profile/questions/traits":
            items = [
                {"person_no": p, "traits": {n: v for n, v in self.traits.get(p, {}).items() if n in body["names"]}}
                for p in body["person_nos"]
            ]
            return httpx.Response(200, json={"items": items})
        if path.endswith("/watermark"):
            return httpx.Response(200, json={"watermark": self.watermark.isoformat()})
        if path.startswith("/v1/segment/segments/"):
            segment = path.rsplit("/", 1)[1]
            known = segment in self.segments
            return httpx.Response(200 if known else 404, json={"segment_id": segment})
        items = [
            {"person_id": one, "canonical_id": one, "canonical_no": self.persons[UUID(one)]}
            for one in body["person_ids"]
            if UUID(one) in self.persons
        ]
        return httpx.Response(200, json={"items": items})


@dataclass
class Stage:
    """The journey service, and words for what happens around it."""

    house: House
    app: ServiceApp
    neighbours: Neighbours
    requested: list[MessageRequested] = field(default_factory=list)
    progressed: list[RunProgressed] = field(default_factory=list)
    person_nos: dict[str, int] = field(default_factory=dict)
    _logs_read: int = 0

    @property
    def now(self) -> datetime:
        """Return the workspace's present."""
        return self.app.runtime.now(WORKSPACE)

    def person(self, name: str) -> int:
        """Return the number of a person by name."""
        number = self.person_nos.setdefault(name, len(self.person_nos) + 1)
        self.neighbours.persons[named("person", name)] = number
        return number

    async def journey(self, definition: dict[str, Any], *, name: str = "Journey", publish: bool = True) -> str:
        """Make a journey by API and publish it; return its id."""
        answer = await self.app.client.post("/v1/journey/journeys", json={"name": name, "definition": definition})
        assert answer.status_code == 201, answer.text
        journey_id: str = answer.json()["id"]
        if publish:
            await self.publish(journey_id)
        return journey_id

    async def publish(self, journey_id: str, **body: Any) -> dict[str, Any]:
        """Publish the draft; it must succeed."""
        answer = await self.app.client.post(f"/v1/journey/journeys/{journey_id}/publish", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def edit(self, journey_id: str, definition: dict[str, Any], **body: Any) -> None:
        """Put a new draft and publish it."""
        answer = await self.app.client.put(f"/v1/journey/journeys/{journey_id}/draft", json={"definition": definition})
        assert answer.status_code == 200, answer.text
        await self.publish(journey_id, **body)

    async def say(self, *events: Event, drain: bool = True, workspace_id: int = WORKSPACE) -> None:
        """Let the other services say events on the bus, each time anew: the inbox alone knows a repetition."""
        messages = [
            Outgoing(
                f"{row.subject}.{row.pp}", row.payload, f"said {next(_counter)}", {WORKSPACE_HEADER: str(workspace_id)}
            )
            for row in group(events)
        ]
        assert all(isinstance(answer, Published) for answer in await self.house.bus.publish(messages))
        if drain:
            await self.app.drain()

    def event(self, person: str, name: str, *, id: str = "", at: datetime | None = None, **more: Any) -> EventRecorded:  # noqa: A002
        """Return a recorded event of a person; `properties` are given as a dict."""
        properties = more.pop("properties", {})
        context = more.pop("context", {})
        number = self.person(person)
        return EventRecorded(
            id=named("event", id or f"number {next(_counter)}"),
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=at or self.now, person_no=number,
            person_id=named("person", person), subject_no=more.pop("subject_no", number * 1000), kind="track",
            name=name, source_id=1, message_id="m", properties=msgspec.Raw(msgspec.json.encode(properties)),
            context=msgspec.Raw(msgspec.json.encode(context)), **more,
        )  # fmt: skip

    def membership(self, person: str, segment: str, state: str, *, cause: Any = "event") -> Event:
        """Return a change of a segment, and have the segment service say the same."""
        segment_id = named("segment", segment)
        members = self.neighbours.members.setdefault(str(segment_id), set())
        (members.add if state == "entered" else members.discard)(self.person(person))
        kind = MembershipEntered if state == "entered" else MembershipExited
        return kind(
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=self.now, person_no=self.person(person),
            person_id=named("person", person), segment_id=segment_id, segment_version=1, sequence=1, cause=cause,
        )  # fmt: skip

    def segment(self, name: str) -> str:
        """Return the id of a segment that exists."""
        segment = str(named("segment", name))
        self.neighbours.segments.add(segment)
        return segment

    def merged(self, survivor: str, *absorbed: str, version: int = 1) -> PersonMerged:
        """Return the news that persons are one."""
        return PersonMerged(
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=self.now, person_no=self.person(survivor),
            person_id=named("person", survivor), graph_version=version,
            absorbed=tuple(Absorbed(self.person(name), named("person", name)) for name in absorbed),
        )  # fmt: skip

    def split(
        self, survivor: str, parts: dict[str, Sequence[int]], version: int = 2, revived: bool = True
    ) -> PersonSplit:
        """Return the news that persons are several after all."""
        return PersonSplit(
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=self.now, person_no=self.person(survivor),
            person_id=named("person", survivor), graph_version=version,
            parts=tuple(Part(self.person(n), named("person", n), tuple(s), revived) for n, s in parts.items()),
        )  # fmt: skip

    def erased(self, person: str) -> PersonErased:
        """Return the news that a person is to be forgotten."""
        return PersonErased(
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=self.now, person_no=self.person(person),
            person_id=named("person", person), subject_nos=(self.person(person) * 1000,),
            erasure_id=named("erasure", person), graph_version=3,
        )  # fmt: skip

    def outcome(self, intent: MessageRequested, state: Any, reason: str = "") -> MessageProgressed:
        """Return what became of an intent."""
        return MessageProgressed(
            workspace_id=WORKSPACE, received_at=self.now, occurred_at=self.now, person_no=intent.person_no,
            message_id=named("message", intent.idempotency_key), state=state, reason=reason, run_id=intent.run_id,
            journey_id=intent.journey_id, node=intent.node, visit=intent.visit, person_id=intent.person_id,
        )  # fmt: skip

    async def read_outbox(self) -> list[MessageRequested]:
        """Read what the service has said since the last time; return the new intents."""
        async with self.app.runtime.worker_database.transaction(WORKSPACE) as tx:
            rows = await tx.fetch(
                statement("select log_id, subject, payload from outbox_log where log_id > :after order by log_id"),
                after=self._logs_read,
            )
        fresh: list[MessageRequested] = []
        for log_id, subject, payload in rows:
            self._logs_read = log_id
            lines = bytes(payload).splitlines()
            if subject.startswith(MessageRequested.subject):
                fresh += [msgspec.json.decode(line, type=MessageRequested) for line in lines]
            elif subject.startswith(RunProgressed.subject):
                self.progressed += [msgspec.json.decode(line, type=RunProgressed) for line in lines]
        self.requested += fresh
        return fresh

    async def advance(self, **delta: float) -> None:
        """Let so much time pass, timer by timer."""
        await self.app.advance_to(self.now + timedelta(**delta))

    async def runs(self, journey_id: str, **query: str) -> list[dict[str, Any]]:
        """Return the runs of a journey, in the order of their entry."""
        answer = await self.app.client.get(f"/v1/journey/journeys/{journey_id}/runs", params=query)
        assert answer.status_code == 200, answer.text
        return sorted(answer.json()["items"], key=lambda run: run["entry_time"])

    async def steps(self, run_id: str) -> list[dict[str, Any]]:
        """Return the moments of a run's trace."""
        answer = await self.app.client.get(f"/v1/journey/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["moments"])


_counter = iter(range(1, 10**9))


@asynccontextmanager
async def a_stage(house: House) -> AsyncIterator[Stage]:
    """Start the service with its neighbours played."""
    neighbours = Neighbours()
    for name in ("identity", "segment", "profile"):
        house.transports[name] = neighbours.transport()
    for owner in ("identity", "segment", "profile", "messaging", "journey"):
        await house.bus.ensure_stream(owner)
    app = await house.start("journey")
    await asyncio.sleep(0)
    yield Stage(house, app, neighbours)
