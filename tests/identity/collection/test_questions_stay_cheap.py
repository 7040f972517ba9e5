"""Whoever asks whose identifiers are has those read that he names, however many there are by now."""

from typing import Any

import asyncpg
import pytest

from libs.common.db import Tx, statement
from services.identity.api import persons, resolution
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call
from tests.identity.collection.test_resolved import resolve

READ = statement("select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int from pg_stat_xact_user_tables")
FEW, MANY, OFTEN = 5, 400, 8
"""`OFTEN`: after so many times PostgreSQL keeps a plan."""
ASKED = [{"namespace": "cookie", "value": f"visitor-{number}"} for number in range(FEW)]


async def arrive(door: Door, first: int, last: int) -> None:
    for start in range(first, last, 100):
        batch = [a_call(n, anonymousId=f"visitor-{n}", type="track") for n in range(start, min(start + 100, last))]
        assert (await door.post("batch", {"batch": batch})).status_code == 200
    await resolve(door)


def count_reads(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[int]:
    """Return a list to which each call adds how many rows were read for it."""
    asked, counts = getattr(module, name), list[int]()

    async def counting(tx: Tx, *given: Any, **named: Any) -> Any:
        before = await tx.fetch_value(READ)
        found = await asked(tx, *given, **named)
        counts.append(await tx.fetch_value(READ) - before)
        return found

    monkeypatch.setattr(module, name, counting)
    return counts


@pytest.mark.parametrize("is_analysed", [False, True])
async def test_a_plan_kept_from_when_there_were_few_does_not_read_many(
    door: Door, monkeypatch: pytest.MonkeyPatch, is_analysed: bool
) -> None:
    await arrive(door, 0, FEW)
    if is_analysed:
        owner = await asyncpg.connect(door.database.url("owner"))
        await owner.execute("analyze")
        await owner.close()
    resolving = count_reads(monkeypatch, resolution, "find_owners")
    looking_up = count_reads(monkeypatch, persons, "look_up_persons")

    async def ask() -> None:
        items = [{"identifiers": [one]} for one in ASKED]
        answer = await door.ask("POST", "/v1/identity/resolve", json={"items": items})
        ids = [item["person_id"] for item in answer.raise_for_status().json()["items"]]
        assert len(set(ids)) == FEW
        numbers = list(range(1, FEW + 1))
        (
            await door.ask("POST", "/v1/identity/persons/lookup", json={"person_ids": ids, "person_nos": numbers})
        ).raise_for_status()

    for _ in range(OFTEN):
        await ask()
    await arrive(door, FEW, MANY)
    await ask()
    assert resolving[-1] <= 2 * FEW
    assert looking_up[-1] <= 4 * FEW
