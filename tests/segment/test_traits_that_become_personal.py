"""A trait that becomes personal, or plain again, has its newest value alone; a personal one none on the open disk."""

import random
from typing import Any

import msgspec
import pytest

from libs.common.contracts.profile.trait_changed import TraitChanged
from tests.segment.stage import WORKSPACE, Stage

BORN = {"trait": "born", "op": "anniversary", "in_days": 0, "zone": "person"}
ROUNDS = 6
TABLES = ("trait", "personal_trait")


def changed(stage: Stage, name: str, value: Any, version: int, *, personal: bool, person: str = "kim") -> TraitChanged:
    """Return profile's word on a trait of a version; of a removal it never says of which kind the trait was."""
    sealed = stage.app.runtime.sealer(WORKSPACE).seal_json(value) if personal and value is not None else None
    plain = b"null" if sealed or value is None else msgspec.json.encode(value)
    return TraitChanged(
        workspace_id=WORKSPACE, person_no=stage.person(person), name=name, version=version, since=stage.now,
        value=msgspec.Raw(plain), sealed=sealed, removed=value is None, received_at=stage.now, occurred_at=stage.now,
    )  # fmt: skip


async def stored(stage: Stage, name: str) -> dict[str, list[str]]:
    """Return the texts of a trait's newest rows by table."""
    columnar = stage.app.runtime.parts.columnar
    asked = "select text from {table} final where name = {{name:String}} and facets != 0"
    return {
        table: [row["text"] for row in await columnar.rows(asked.format(table=table), {"name": name})]
        for table in TABLES
    }


@pytest.mark.parametrize("becomes_personal", [True, False])
async def test_the_value_of_before_is_gone_from_the_other_table(stage: Stage, becomes_personal: bool):
    old = await stage.segment({"trait": "x", "op": "equals", "value": "old"})
    new = await stage.segment({"trait": "x", "op": "equals", "value": "new"})
    await stage.trait("kim", "x", "old", personal=not becomes_personal)
    await stage.trait("kim", "x", "new", personal=becomes_personal)
    assert (await stage.members(old), await stage.members(new)) == (set(), {"kim"})
    told = ([], ["new"]) if becomes_personal else (["new"], [])
    assert await stored(stage, "x") == dict(zip(TABLES, told, strict=True))
    await stage.assert_no_drift()


@pytest.mark.parametrize("personal", [True, False])
async def test_an_explanation_shows_the_value_there_is(stage: Stage, personal: bool):
    await stage.trait("kim", "x", "old", personal=not personal)
    await stage.trait("kim", "x", "new", personal=personal)
    body = {"person_no": stage.person("kim"), "definition": {"trait": "x", "op": "exists"}}
    answer = await stage.app.client.post("/v1/segment/explain", json=body)
    assert answer.status_code == 200, answer.text
    assert "new" in answer.text


async def test_a_personal_trait_that_is_removed_is_missing(stage: Stage):
    has = await stage.segment({"trait": "email", "op": "exists"})
    await stage.say(changed(stage, "email", "kim@example.com", 1, personal=True))
    assert await stage.members(has) == {"kim"}
    await stage.say(changed(stage, "email", None, 2, personal=True))
    assert await stage.members(has) == set()
    assert await stored(stage, "email") == {"trait": [], "personal_trait": []}


async def test_a_personal_birthday_is_read_in_the_persons_own_zone(stage: Stage):
    born = await stage.segment(BORN)
    day = stage.now.strftime("1990-%m-%d")
    await stage.say(changed(stage, "timezone", "Europe/Berlin", 1, personal=True))
    await stage.say(changed(stage, "born", day, 2, personal=True))
    assert await stage.members(born) == {"kim"}
    assert (await stage.preview(BORN))["count"] == 1


async def test_in_whatever_order_they_come_the_newest_alone_is_left(stage: Stage):
    """Of a name that was personal once: by then it is known that rows may lie in either table."""
    chance = random.Random(7)
    for round_ in range(ROUNDS):
        name = f"t{round_}"
        await stage.say(changed(stage, name, "first", 1, personal=True, person="lea"))
        history = [
            changed(stage, name, chance.choice([None, f"v{version}"]), version, personal=chance.random() < 0.5)
            for version in range(2, 8)
        ]
        for event in chance.sample(history, len(history)):
            await stage.say(event)
        newest = history[-1]
        told: dict[str, list[str]] = {table: [] for table in TABLES}
        told["personal_trait"].append("first")
        if not newest.removed:
            told["trait" if newest.sealed is None else "personal_trait"].append("v7")
        assert {table: sorted(texts) for table, texts in (await stored(stage, name)).items()} == told
