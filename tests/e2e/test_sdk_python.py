"""The Segment SDK of PyPI works unchanged against this system."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from segment.analytics.client import Client

from tests.e2e.served import served
from tests.identity.collection.conftest import Door, door, open_door

__all__ = ["door", "open_door"]


def speak(host: str, key: str, gzip: bool, failures: list[Any]) -> None:
    client = Client(
        key, host=host, gzip=gzip, debug=True, max_retries=1, on_error=lambda error, items: failures.append(error)
    )
    client.identify("u1", {"email": "wang@example.com", "age": 31})
    client.track("u1", "Order Completed", {"total": 12.5, "items": [{"sku": "a"}]}, message_id="order-1")
    client.track("u1", "Order Completed", {"total": 12.5, "items": [{"sku": "a"}]}, message_id="order-1")
    client.page("u1", "Shop", "Basket", {"url": "https://shop.example/basket"})
    client.screen("u1", "App", "Basket")
    client.group("u1", "firm-1", {"name": "Firm"})
    client.alias("visitor-1", "u1")
    client.track(anonymous_id="visitor-1", event="Seen", timestamp=datetime(2020, 1, 1, tzinfo=UTC))
    for number in range(250):
        client.track("u2", "Seen", {"number": number})
    client.flush()
    client.join()


@pytest.mark.parametrize("gzip", [False, True])
async def test_every_call_of_the_python_sdk_is_taken_once(door: Door, gzip: bool) -> None:
    failures: list[Any] = []
    async with served(door) as host:
        await asyncio.to_thread(speak, host, door.server_key, gzip, failures)
    assert failures == []
    counts = await door.counts()
    assert (counts["accepted"], counts["conflict"] + counts["duplicate"], counts["quarantined"]) == (257, 1, 0)
    kinds = {row["kind"]: row["n"] for row in await door.rows(
        "select kind, count(*)::int as n from event_log where not is_conflict group by kind"
    )}  # fmt: skip
    assert kinds == {"identify": 1, "track": 252, "page": 1, "screen": 1, "group": 1, "alias": 1}
    row = (await door.rows("select payload from event_log where kind = 'identify'"))[0]
    clear = msgspec.json.decode(door.runtime.sealer(door.workspace.workspace_id).open(row["payload"]))
    assert clear["traits"] == {"email": "wang@example.com", "age": 31}
    assert clear["context"]["library"]["name"] == "analytics-python"


async def test_a_wrong_key_is_told_to_the_python_sdk(door: Door) -> None:
    failures: list[Any] = []

    def say(host: str) -> None:
        client = Client("cdp_wk_wrong", host=host, max_retries=0, on_error=lambda error, _: failures.append(error))
        client.track("u1", "Seen")
        client.flush()
        client.join()

    async with served(door) as host:
        await asyncio.to_thread(say, host)
    assert "401" in str(failures[0])
