"""All five services in this process with one person in each of them, and a look into everything they keep."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from libs.common.bus.port import COUNT_HEADER, WORKSPACE_HEADER, Outgoing
from libs.common.contracts.catalogue import all_contracts
from libs.common.db import statement
from libs.common.ids import new_id
from libs.common.outbox.rows import group
from libs.common.personal import SealBroken, Sealer
from tests.fixtures.apps import SERVICES, House, ServiceApp
from tests.fixtures.draining import drained

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_TABLES = statement(
    "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition order by 1"
)


@dataclass
class Five:
    """The running services."""

    house: House
    apps: dict[str, ServiceApp]

    @classmethod
    async def start(cls, house: House) -> "Five":
        """Start all five with a segment, a journey that writes to the inbox and waits, and consent by default."""
        five = cls(house, await house.start_all())
        await five.post("segment", "segments", {
            "key": "buyers", "name": "Buyers", "definition": {"did": "Order Completed"}, "state": "live",
        })  # fmt: skip
        policy = {"opt_out": [{"purpose": "marketing", "channel": "inbox"}]}
        answer = await five.apps["profile"].client.put("/v1/profile/consent-policy", json=policy)
        assert answer.status_code < 300, answer.text
        template = {"subject": "Hello {{ person.name }}", "text": "You wrote {{ person.note }}"}
        answer = await five.apps["messaging"].client.put("/v1/messaging/templates/thanks", json=template)
        assert answer.status_code < 300, answer.text
        journey = await five.post("journey", "journeys", {
            "name": "thanks",
            "definition": {
                "entry": {"on": "event", "event": "Order Completed"},
                "nodes": [
                    {"id": "say", "type": "send", "channel": "inbox", "template_key": "thanks"},
                    {"id": "wait", "type": "wait", "for": "P30D"},
                ],
            },
        })  # fmt: skip
        await five.post("journey", f"journeys/{journey['id']}/publish", {"policy": "pin"})
        await five.drain()
        return five

    async def post(self, service: str, path: str, body: dict[str, Any]) -> Any:
        """Post and return the decoded answer."""
        answer = await self.apps[service].client.post(f"/v1/{service}/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def get(self, service: str, path: str, **parameters: str) -> Any:
        """Get and return the decoded answer."""
        answer = await self.apps[service].client.get(f"/v1/{service}/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, *calls: dict[str, Any]) -> None:
        """Post Segment calls, and wait until all five have done with them."""
        token = base64.b64encode(f"{self.house.write_key}:".encode()).decode()
        answer = await self.apps["identity"].client.post(
            "/v1/batch", json={"batch": list(calls)}, headers={"authorization": f"Basic {token}"}
        )
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def drain(self) -> None:
        """Wait until nothing is open in any of the five."""
        await drained(list(self.apps.values()))

    def heard(self) -> list[Any]:
        """Return every event that is on the bus."""
        contracts = {contract.subject: contract for contract in all_contracts()}
        found = []
        for stream in self.house.bus.streams.values():
            for stored in stream.messages.values():
                contract = contracts[stored.message.subject.rsplit(".", 1)[0]]
                found += [msgspec.json.decode(line, type=contract) for line in stored.message.payload.splitlines()]
        return found

    async def say_again(self, *events: Any) -> None:
        """Put events on the bus as if they came only now."""
        fresh = [msgspec.structs.replace(event, id=new_id()) for event in events]
        for row in group(fresh):
            headers = {WORKSPACE_HEADER: str(row.workspace_id), COUNT_HEADER: str(len(row.lines))}
            await self.house.bus.publish([Outgoing(f"{row.subject}.{row.pp}", row.payload, str(new_id()), headers)])
        await self.drain()

    async def kept(self, word: str) -> list[str]:
        """Return the tables of all five and of the columnar store in which a word stands, sealed or in clear."""
        await self._forget_what_is_applied()
        found = []
        for name in SERVICES:
            app = self.apps[name]
            sealer = app.runtime.sealer(1)
            async with app.runtime.worker_database.transaction(1) as tx:
                for table in [row["relname"] for row in await tx.fetch(_TABLES)]:
                    rows = await tx.fetch(statement(f"select * from {table}"))
                    texts = (text for row in rows for value in row.values() for text in _texts(value, sealer))
                    found += [f"{name}.{table}"] if any(word.encode() in text for text in texts) else []
        return sorted({*found, *await self._columnar(word)})

    async def _forget_what_is_applied(self) -> None:
        """Let the outbox logs drop what every receiver has applied, as the relay does by itself every other second."""
        for app in self.apps.values():
            assert app.runtime.relay is not None
            await app.runtime.relay.keep_house()

    async def _columnar(self, word: str) -> list[str]:
        columnar = self.apps["segment"].runtime.parts.columnar
        tables = await columnar.rows("select name from system.tables where database = currentDatabase()", {})
        return [
            f"columnar.{table}"
            for table in [row["name"] for row in tables]
            if any(word in str(row) for row in await columnar.rows(f"select * from {table}", {}))
        ]


def _texts(value: object, sealer: Sealer) -> Iterator[bytes]:
    """Yield a value as bytes, and all that is sealed in it opened."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    yield raw
    if isinstance(value, bytes):
        yield from _opened(value, sealer)
    for found in _BASE64.findall(raw):
        try:
            yield from _opened(base64.b64decode(found), sealer)
        except ValueError:
            continue


def _opened(sealed: bytes, sealer: Sealer) -> Iterator[bytes]:
    try:
        yield sealer.open(sealed)
    except SealBroken:
        return
