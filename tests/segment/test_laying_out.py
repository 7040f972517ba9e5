"""Tables that are made are made as they have to be; those of before get what they lack, once."""

from pathlib import Path

import pytest

from services.segment.store.columnar import Columnar
from tests.segment.columnar import a_columnar_store

PARTS = {
    "column": "select name from system.columns where table = 'event' and database = currentDatabase()",
    "index": "select name from system.data_skipping_indices where table = 'event' and database = currentDatabase()",
    "projection": "select name from system.projections where table = 'event' and database = currentDatabase()",
}


async def parts_of(store: Columnar) -> dict[str, set[str]]:
    """Return what the table of events consists of."""
    return {kind: {row["name"] for row in await store.rows(question, {})} for kind, question in PARTS.items()}


async def test_a_table_made_just_now_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    right = Columnar.command

    async def command(self: Columnar, sql: str, *rest: object) -> None:
        said.append(sql.strip())
        await right(self, sql, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Columnar, "command", command)
    async with a_columnar_store(tmp_path):
        assert any(statement.startswith("create table") for statement in said)
        assert [statement for statement in said if statement.startswith("alter")] == []


async def test_a_table_of_before_gets_what_it_lacks(tmp_path: Path) -> None:
    async with a_columnar_store(tmp_path) as store:
        whole = await parts_of(store)
        for lost in ("drop projection of_person", "drop column packed", "drop index largest", "drop index keys"):
            await store.command(f"alter table event {lost}")
        assert {"of_person"} <= whole["projection"] and {"largest", "keys"} <= whole["index"]
        assert await parts_of(store) != whole
    async with a_columnar_store(tmp_path) as store:
        assert await parts_of(store) == whole
