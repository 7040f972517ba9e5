"""The columnar store is deleted from disk: segment notices, is told everything again, and says the same as before."""

import asyncio
import shutil
from datetime import timedelta
from typing import Any

import pytest

from launcher.stack import Stack
from tests.e2e.brand import Brand
from tests.fixtures.system import START, BrandOf

pytestmark = pytest.mark.xdist_group("system")

DEFINITIONS: tuple[dict[str, Any], ...] = (
    {"did": "Bought", "count": {"op": "gte", "n": 2}, "window": {"last": "7 days"}},
    {"all": [{"trait": "age", "op": "gte", "value": 30}, {"none": [{"did": "Returned"}]}]},
    {"trait": "email", "op": "ends_with", "value": "@example.com"},
)


async def picture(brand: Brand, segments: list[str]) -> tuple[Any, ...]:
    """Return counts per day, and members and their count by a full question per segment."""
    counts = await brand.get("segment", "/v1/segment/columnar/counts")
    members = []
    for segment, definition in zip(segments, DEFINITIONS, strict=True):
        page = await brand.get("segment", f"/v1/segment/segments/{segment}/members", limit=1000)
        counted = await brand.post("segment", "/v1/segment/preview", {"definition": definition})
        numbers = [item["person_no"] for item in page["items"]]
        assert counted["count"] == len(numbers)
        members.append(numbers)
    return counts, members


@pytest.mark.timeout(900)
async def test_a_columnar_store_deleted_from_disk_comes_back_as_it_was(stack: Stack, a_brand: BrandOf) -> None:
    brand = await a_brand()
    segments = []
    for definition in DEFINITIONS:
        body = {"name": "s", "definition": definition, "state": "live"}
        segments.append((await brand.post("segment", "/v1/segment/segments", body))["segment_id"])
    calls: list[dict[str, Any]] = []
    for number in range(60):
        traits = {"age": 20 + number % 20, "email": f"u{number}@example.{'com' if number % 2 else 'org'}"}
        calls.append({"type": "identify", "userId": f"u{number}", "anonymousId": f"a{number}", "traits": traits})
        calls += [
            {"type": "track", "userId": f"u{number}", "event": "Bought", "messageId": f"m{number}-{n}"}
            for n in range(number % 4)
        ]
    calls += [{"type": "alias", "userId": f"u{number}", "previousId": f"u{number + 1}"} for number in range(0, 20, 2)]
    calls.append({"type": "track", "userId": "u15", "event": "Returned"})
    await brand.send(*calls)
    await brand.drain()
    before = await picture(brand, segments)
    assert all(before[1]), before

    await stack.stop_program("segment")
    for path in stack.home.root.glob("columnar*"):
        await asyncio.to_thread(shutil.rmtree if path.is_dir() else path.unlink, path)
    await stack.start_program("segment")
    await brand.send({"type": "track", "userId": "u1", "event": "Seen", "messageId": "meanwhile"})
    await brand.drain()

    rebuilt = await brand.get("segment", "/v1/segment/columnar/rebuild")
    assert rebuilt["state"] == "finished"
    assert rebuilt["reason"] == "the columnar store was new"
    counts, members = await picture(brand, segments)
    assert members == before[1]
    assert sum(row["events"] for row in counts) == sum(row["events"] for row in before[0]) + 1
    assert all(row["events"] == row["distinct_events"] for row in counts)
    await brand.advance(START + timedelta(days=8))
    page = await brand.get("segment", f"/v1/segment/segments/{segments[0]}/members")
    assert page["items"] == [], "time goes on from where it was"
