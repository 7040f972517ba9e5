"""Real customers in the running services: posted as a shop would post them, read back by the name it knows them by."""

import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.common.bus import MemoryBus
from tests.fixtures.apps import House, ServiceApp
from tests.fixtures.postgres import Templates
from tests.fixtures.shared_data import ROOT

BATCH = 500
_encoder = msgspec.json.Encoder(decimal_format="number")


def real_file(name: str) -> Path:
    """Return a file of published data; the test is skipped where it is absent."""
    path = ROOT / "data" / name
    if not path.exists():
        pytest.skip(f"{name} does not lie beside the checkout")
    return path


def one_in_a_hundred(name: str) -> bool:
    """Choose customers by a hash of their names: all that one of them did, or nothing."""
    return zlib.crc32(name.encode()) % 100 == 0


@dataclass
class Market:
    """Identity, profile and segment, and what was answered to all that was posted."""

    house: House
    services: dict[str, ServiceApp] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    async def post(self, calls: Iterable[dict[str, Any]]) -> None:
        """Post calls in batches, and wait until all of them are done everywhere."""
        waiting = list(calls)
        for start in range(0, len(waiting), BATCH):
            body = _encoder.encode({"batch": waiting[start : start + BATCH]})
            answer = await self.services["identity"].client.post(
                "/v1/batch", content=body, headers={"content-type": "application/json"},
                auth=(self.house.write_key, ""),
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
            for name, count in answer.json().items():
                if name in ("accepted", "duplicate", "conflict", "quarantined", "refused"):
                    self.answered[name] = self.answered.get(name, 0) + count
        await self.drain()

    async def drain(self) -> None:
        """Wait until nothing is open; who comes first feeds who comes after."""
        for _ in range(2):
            for service in self.services.values():
                await service.drain(seconds=1800)

    async def clock(self, now: datetime) -> None:
        """Let it be this instant, at once."""
        for service in self.services.values():
            await service.put_clock(now, held=False)
        await self.drain()

    async def segments(self, body: dict[str, Any]) -> dict[tuple[str, ...], str]:
        """Make a grid of live segments by one call; return their ids by the keys of their values."""
        answer = await self.services["segment"].client.post("/v1/segment/segments/grid", json=body)
        assert answer.status_code == 201, answer.text
        await self.drain()
        return {tuple(one["values"].values()): one["segment_id"] for one in answer.json()["segments"]}

    async def segment(self, name: str, definition: dict[str, Any]) -> str:
        """Make one live segment."""
        body = {"name": name, "definition": definition, "state": "live"}
        answer = await self.services["segment"].client.post("/v1/segment/segments", json=body)
        assert answer.status_code == 201, answer.text
        await self.drain()
        return str(answer.json()["segment_id"])

    async def learn(self, names: Iterable[str]) -> None:
        """Ask who each customer is."""
        for name in names:
            answer = await self.services["identity"].client.get(
                "/v1/identity/persons/by-identifier", params={"namespace": "user_id", "scope": "main", "value": name}
            )
            assert answer.status_code == 200, answer.text
            self.known[answer.json()["person_id"]] = name

    async def members(self, segment_id: str) -> set[str]:
        """Return who is in a segment, page by page; its size has to say the same."""
        client, found, cursor = self.services["segment"].client, set[str](), None
        while True:
            page = {"limit": 1000, **({"cursor": cursor} if cursor else {})}
            answer = (await client.get(f"/v1/segment/segments/{segment_id}/members", params=page)).json()
            found |= {self.known[one["person_id"]] for one in answer["items"]}
            if (cursor := answer["next_cursor"]) is None:
                break
        assert (await client.get(f"/v1/segment/segments/{segment_id}")).json()["size"] == len(found)
        return found


@asynccontextmanager
async def a_market(templates: Templates, bus: MemoryBus, data_dir: Path, *, now: datetime) -> AsyncIterator[Market]:
    """Start the services at an instant of the driven clock."""
    async with AsyncExitStack() as stack:
        house = House(templates, bus, stack, data_dir, now=now)
        market = Market(house)
        for name in ("identity", "profile", "segment"):
            market.services[name] = await house.start(name)
        yield market


def differences(found: dict[Any, set[str]], expected: dict[Any, set[str]]) -> dict[Any, tuple[set[str], set[str]]]:
    """Return, of each audience that is not as expected, who is too many and who is missing."""
    return {name: (found[name] - whom, whom - found[name]) for name, whom in expected.items() if found[name] != whom}
