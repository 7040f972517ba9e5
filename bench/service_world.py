"""The identity service as two processes would run it, in this one: HTTP into either, four resolvers, one bus."""

import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.identity_alone import SECRET
from bench.service_steps import SOURCES, START
from libs.common.access.keys import new_key
from libs.common.bus import MemoryBus
from libs.common.bus.port import WORKSPACE_HEADER, Outgoing
from libs.common.db.migrate import SERVICES
from libs.common.http.peers import Peers
from libs.common.ids import new_id, partition
from libs.common.runtime import Runtime
from libs.common.service import app_of, running
from services.identity.main import definition
from services.identity.settings import IdentitySettings
from tests.fixtures.postgres import ServiceDatabase, Templates

PROCESSES = 2
"""Each has two resolvers."""
RESOLVE_SECONDS = 0.004
"""Small transactions, so that four of them share what a round posts."""
ATTEMPTS = 3
"""How often a caller sends what he is asked to send again (503), before he waits until nothing else is in flight."""
SHOWN = 1_500
"""How much of an answer or a traceback a report quotes, in characters."""


class Complaints(logging.Handler):
    """What the service logs as an error: a history after which it did is one that differs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, with the end of its traceback."""
        self.said.append(self.format(record)[-SHOWN:])


class Neighbours:
    """The other four services, who have nothing to do: their clock is identity's."""

    def __init__(self) -> None:
        self.runtime: Runtime[Any] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a question about what is open, or take a clock."""
        if request.method == "PUT":
            told = msgspec.json.decode(request.content)
            return httpx.Response(200, json={"open": {}, "activity": 0, "now": told["now"], "held": told["held"]})
        if self.runtime is None or not request.url.path.endswith("/backlog"):
            return httpx.Response(404)
        now = self.runtime.now(int(request.headers["x-workspace"]))
        return httpx.Response(200, json={"open": {}, "activity": 0, "now": now.isoformat()})


@dataclass
class Service:
    """Processes of the identity service on one database and one bus; the first one drives the clocks."""

    database: ServiceDatabase
    bus: MemoryBus
    complaints: Complaints
    admin_key: str
    runtimes: list[Runtime[Any]] = field(default_factory=list)
    doors: list[httpx.AsyncClient] = field(default_factory=list)
    opened: int = 0
    """How many workspaces were made here."""

    def wake(self) -> None:
        """Let every process look at once for what was posted, as if each had heard of it."""
        for runtime in self.runtimes:
            runtime.wake("resolve_events", "recompute_regions", "run_shadows")

    async def open_workspace(self) -> "Workspace":
        """Make a workspace with a driven clock and three sources."""
        self.opened += 1
        key, door = f"history-{self.opened}", self.doors[0]
        body = {"key": key, "name": key, "timezone": "UTC", "clock": {"now": START.isoformat()}}
        made = await door.post("/v1/identity/workspaces", json=body)
        if made.status_code != 201:
            raise RuntimeError(made.text)
        home = Workspace(self, key, made.json()["workspace_id"])
        for number, name in enumerate(SOURCES):
            trusted = {"kind": "server", "trusted": True, "best_tier": 1} if number else {}
            source = {"key": name, "name": name, "issuer": "shop" if name == "shop" else "main", **trusted}
            answer = await home.send("POST", "sources", source)
            home.write_keys[name], home.source_ids[name] = answer["write_key"], answer["source_id"]
        return home

    def heard(self, workspace_id: int) -> list[tuple[str, bytes]]:
        """Return every event told of a workspace, oldest first: subject and JSON."""
        stream = self.bus.streams["identity"].messages
        return [
            (one.message.subject, line)
            for _, one in sorted(stream.items())
            if one.message.headers[WORKSPACE_HEADER] == str(workspace_id)
            for line in one.message.payload.split(b"\n")
        ]


@dataclass
class Workspace:
    """A history's own workspace, with everything that was answered there so far."""

    service: Service
    key: str
    number: int
    write_keys: dict[str, str] = field(default_factory=dict)
    source_ids: dict[str, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Every person id that any answer named."""
    posted: set[tuple[int, str]] = field(default_factory=set)
    """What was taken: source and message id."""
    wrong: list[str] = field(default_factory=list)
    """What differs from what has to be."""
    answers: dict[int, int] = field(default_factory=dict)
    postponed: list[tuple[str, str, Any]] = field(default_factory=list)
    """What was to be sent again (503): method, path and body."""
    waits: int = 0
    """How often something was to be sent again (503)."""
    turn: int = 0

    @property
    def now(self) -> datetime:
        """Return the workspace's present."""
        return self.service.runtimes[0].now(self.number)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        driving: bool = False,
        keep: bool = True,
    ) -> Any:
        """Send a request to one of the processes; return what it answers, or None where it was refused.

        `driving` goes to the one that drives the clock. Ids are remembered unless they are only rehearsed.
        """
        self.turn += 1
        door = self.service.doors[0 if driving else self.turn % len(self.service.doors)]
        where = f"/v1/identity/{path}", {"x-workspace": self.key}
        answer = await door.request(method, where[0], json=body, params=params, headers=where[1])
        for _ in range(ATTEMPTS - 1):
            if answer.status_code != 503:
                break
            self.waits += 1
            answer = await door.request(method, where[0], json=body, params=params, headers=where[1])
        if answer.status_code == 503:
            self.postponed.append((method, path, body))
        return self.take(f"{method} {path}", answer, body, keep=keep)

    async def send_again(self) -> None:
        """Send what was postponed, now that nobody is in the way: it has to be answered."""
        postponed, self.postponed = self.postponed, []
        for method, path, body in postponed:
            await self.send(method, path, body)
        self.wrong += [f"{method} {path} {body} is postponed for ever" for method, path, body in self.postponed]

    async def post_calls(self, source: str, calls: list[dict[str, Any]]) -> None:
        """Post a batch with a source's key."""
        self.turn += 1
        door = self.service.doors[self.turn % len(self.service.doors)]
        key = self.write_keys[source], ""
        answer = self.take("POST /v1/batch", await door.post("/v1/batch", json={"batch": calls}, auth=key), calls)
        self.service.wake()
        if answer is None:
            return
        refused = {one["index"] for one in answer["errors"]}
        for number, call in enumerate(calls):
            if number not in refused:
                self.posted.add((self.source_ids[source], call["messageId"]))

    def take(self, asked: str, answer: httpx.Response, body: Any, *, keep: bool = True) -> Any:
        """Return the JSON of an answer and note what it says; None where it was refused."""
        code = answer.status_code
        self.answers[code] = self.answers.get(code, 0) + 1
        if code >= 500 and not (code == 503 and "retry-after" in answer.headers):
            self.wrong.append(f"{asked} {body} answered {code}: {answer.text[:SHOWN]}")
        if code >= 400:
            return None
        told = answer.json() if answer.content else {}
        rehearsed = isinstance(body, dict) and body.get("dry_run")
        if keep and not rehearsed:
            self.ids |= set(_person_ids(told))
        return told

    async def allow(self, subject_no: int, state: str, since: str, version: int) -> None:
        """Tell as profile does what somebody says of linking an identifier."""
        steps = [{"since": since, "state": state}]
        event_id = str(new_id())
        body = {
            "workspace_id": self.number, "received_at": self.now.isoformat(), "occurred_at": self.now.isoformat(),
            "id": event_id, "subject_no": subject_no, "purpose": "linking", "version": version, "steps": steps,
        }  # fmt: skip
        subject = f"profile.permission.changed.v1.{partition(self.number, 0)}"
        message = Outgoing(subject, msgspec.json.encode(body), event_id, {WORKSPACE_HEADER: str(self.number)})
        await self.service.bus.publish([message])


def _person_ids(told: Any) -> list[str]:
    """Return every person id in an answer."""
    if isinstance(told, list):
        return [one for part in told for one in _person_ids(part)]
    if not isinstance(told, dict):
        return []
    found = [one for part in told.values() for one in _person_ids(part)]
    named = [told.get(name) for name in ("person_id", "canonical_id", "into", "from_person_id", "to_person_id")]
    lists = [told.get(name) for name in ("created", "revived", "retired_ids")]
    listed = [one for some in lists if isinstance(some, list) for one in some]
    return [one for one in (*found, *named, *listed) if isinstance(one, str)]


@asynccontextmanager
async def a_service(templates: Templates, home: Path) -> AsyncIterator[Service]:
    """Run the service's processes on a database of their own; everything ends with the block."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(templates.clone("identity"))
        own = Path(tempfile.mkdtemp(dir=home))
        complaints = Complaints()
        logging.getLogger().addHandler(complaints)
        stack.callback(logging.getLogger().removeHandler, complaints)
        bus = MemoryBus()
        for owner in SERVICES:
            await bus.ensure_stream(owner)
        service = Service(database, bus, complaints, new_key("secret"))
        for _ in range(PROCESSES):
            await _start(service, stack, own)
        yield service


async def _start(service: Service, stack: AsyncExitStack, home: Path) -> None:
    settings = IdentitySettings(
        database_url=service.database.url("app"), worker_database_url=service.database.url("worker"), mode="test",
        master_key=SECRET, service_secret=SECRET, data_dir=home, resolve_seconds=RESOLVE_SECONDS,
        admin_key_hash=sha256(service.admin_key.encode()).hexdigest(),
    )  # fmt: skip
    neighbours = Neighbours()
    transports: dict[str, httpx.AsyncBaseTransport] = dict.fromkeys(SERVICES, httpx.MockTransport(neighbours.answer))
    peers = Peers("identity", settings, transports)
    runtime = await stack.enter_async_context(running(definition, settings, bus=service.bus, peers=peers))
    neighbours.runtime = runtime
    if service.runtimes:  # a workspace has one clock: two processes of one service have no driven one otherwise
        runtime.directory, runtime.held = service.runtimes[0].directory, service.runtimes[0].held
    app = app_of(definition, runtime)
    transports["identity"] = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {service.admin_key}"}
    door = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://identity",
        headers=headers, timeout=120,
    )  # fmt: skip
    service.doors.append(await stack.enter_async_context(door))
    service.runtimes.append(runtime)
