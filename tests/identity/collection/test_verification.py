"""An operator asks whether the stored persons are what the evidence says, and has what differs mended."""

import asyncio
from typing import Any

import pytest

from libs.common.db import statement
from services.identity.jobs import recompute_regions
from services.identity.usecases.graph.verify_partition import verify_partition
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_suggestions import FANS, PHONE, TABLET, U1, U2, say

SPOIL = statement(
    "update node set person_no = (select person_no from node where namespace = 'wx_openid') where namespace = 'phone'"
)


async def verify(door: Door, **body: Any) -> dict[str, Any]:
    answer = await door.ask("POST", "/v1/identity/verification", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_differs_is_told_and_with_repair_mended_in_the_background(door: Door) -> None:
    await say(door, ("login", 1, [U1, PHONE]), ("login", 1, [U2, TABLET]), ("login", 1, [FANS[0], TABLET]))
    persons = await door.rows("select namespace, scope, person_no from node order by node_no")
    assert await verify(door) == {"identifiers": 5, "persons": 3, "different": 0, "reread": 0}
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        assert await tx.execute(SPOIL) == 1
    found = await verify(door)
    assert (found["different"], found["reread"]) == (3, 0), "who is away, whom he left and whom he is said to be with"
    assert await recompute_regions.run(door.runtime) == 0, "to look changes nothing"
    found = await verify(door, repair=True)
    assert found["reread"] >= found["different"] == 3
    while await recompute_regions.run(door.runtime):
        pass
    assert await verify(door, repair=True) == {"identifiers": 5, "persons": 3, "different": 0, "reread": 0}
    assert await door.rows("select namespace, scope, person_no from node order by node_no") == persons


async def test_one_is_made_at_a_time_and_by_operators_alone(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await say(door, ("login", 1, [U1, PHONE]))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def held(*given: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await verify_partition(*given)

    monkeypatch.setattr("services.identity.api.verification.verify_partition", held)
    first = asyncio.create_task(door.ask("POST", "/v1/identity/verification", json={}))
    await asyncio.wait_for(begun.wait(), 60)
    others = [await door.ask("POST", "/v1/identity/verification", json={}) for _ in range(2)]
    go_on.set()
    assert [answer.status_code for answer in (await first, *others)] == [200, 409, 409]
    asked = {"kind": "secret", "scopes": ["persons:read", "persons:write"], "name": "partner"}
    made = await door.ask("POST", "/v1/identity/keys", json=asked)
    assert made.status_code in {200, 201}, made.text
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    refused = await door.http.request("POST", "/v1/identity/verification", json={}, headers=headers)
    assert refused.status_code == 403
