"""Case 19 and ID19 over HTTP: several callers merge the same persons at once, and none is told what is not so."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.fixtures.apps import House
from tests.identity.graph.test_persons_over_http import ids_of, person_of, say

MERGE = "/v1/identity/persons/merge"
CRMS = [{"namespace": "crm_id", "scope": f"shop-{number}", "value": f"c-{number}"} for number in range(5)]
EMAILS = [{"namespace": "email", "scope": "", "value": f"c-{number}@shop.cn"} for number in range(5)]


async def people(client: httpx.AsyncClient) -> list[str]:
    for crm, email in zip(CRMS, EMAILS, strict=True):
        await say(client, crm, email)
    return [str(one) for one in await ids_of(client, *CRMS)]


async def read_together(client: httpx.AsyncClient, one: str, other: str) -> tuple[Any, Any]:
    """Read two persons so that no merge with a third falls between the two readings."""
    while True:
        first, second, again = [
            (await client.get(f"/v1/identity/persons/{asked}")).json() for asked in (one, other, one)
        ]  # fmt: skip
        if first["canonical_id"] == again["canonical_id"]:
            return first, second


async def merge(client: httpx.AsyncClient, one: str, other: str) -> str:
    """Merge two; whoever is told that it is done, or was before, finds it done, in a version that is not older."""
    while (answer := await client.post(MERGE, json={"person_ids": [one, other]})).status_code == 503:
        # who lost every race is told to come again
        assert answer.headers["retry-after"] == "1"
    assert answer.status_code in {200, 422}, answer.text
    said = answer.json()
    first, second = await read_together(client, one, other)
    assert second["canonical_id"] == first["canonical_id"]
    if answer.status_code == 422:
        assert said["errors"][0]["detail"] == "these two are one person already"
        return "already so"
    assert first["graph_version"] >= said["graph_version"]
    return "done" if said["merged"] else "already so"


@pytest.mark.parametrize("callers", [2, 4])
async def test_case_19_merges_of_the_same_persons_at_once_end_as_any_serial_order_would(
    house: House, callers: int
) -> None:
    """A chain of five, each link of it merged by several at once; who comes second is told that it is so already."""
    client = (await house.start("identity")).client
    chain = await people(client)
    asked = [pair for pair in pairwise(chain) for _ in range(callers)]
    told = await asyncio.gather(*(merge(client, *pair) for pair in asked))
    assert told.count("done") == len(chain) - 1, "each merge is done once and told once"
    [survivor] = set(await ids_of(client, *CRMS, *EMAILS))
    assert survivor in chain
    shown = await person_of(client, CRMS[0])
    assert sorted(shown["retired_ids"]) == sorted(set(chain) - {survivor})


async def test_case_19_a_merge_that_could_not_be_done_is_never_reported_as_done(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who loses every race is told to come again; he finds the two as they were, and then it works."""
    client = (await house.start("identity")).client
    one, other, *_ = await people(client)
    with monkeypatch.context() as patch:
        patch.setattr("services.identity.api.graph_changes.ATTEMPTS", 0)
        answer = await client.post(MERGE, json={"person_ids": [one, other]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await ids_of(client, *CRMS[:2]) == [one, other]
    assert await merge(client, one, other) == "done"
