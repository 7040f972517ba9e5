"""Segments of who has a tag, as profile says it, while its time lasts."""

from datetime import timedelta

import pytest

from libs.common.contracts.profile.tag_changed import TagChanged
from tests.segment.stage import WORKSPACE, Stage


async def tag(stage: Stage, name: str, *, held: bool = True, ttl: timedelta | None = None, word: str = "gold") -> None:
    await stage.say(
        TagChanged(
            workspace_id=WORKSPACE, person_no=stage.person(name), tag=word, held=held, version=stage.version(),
            since=stage.now if held else None, until=stage.now + ttl if ttl else None, source="manual",
            received_at=stage.now, occurred_at=stage.now,
        )
    )  # fmt: skip


async def test_a_tag_enters_leaves_and_runs_out_to_the_second(stage):
    await stage.create("kim", "lea")
    has = await stage.segment({"tag": "gold"})
    has_not = await stage.segment({"tag": "gold", "op": "has_not"})
    await tag(stage, "kim", ttl=timedelta(hours=1))
    await tag(stage, "lea", word="silver")
    assert await stage.members(has) == {"kim"} and await stage.members(has_not) == {"lea"}
    end = stage.now + timedelta(hours=1)
    await stage.clock(end - timedelta(seconds=1))
    assert await stage.members(has) == {"kim"}
    await stage.clock(end)
    assert await stage.members(has) == set() and await stage.members(has_not) == {"kim", "lea"}
    await tag(stage, "kim")
    await tag(stage, "kim", held=False)
    told = [(word, cause) for one, _, word, cause in await stage.changes() if one == has]
    assert told == [("entered", "trait"), ("exited", "time"), ("entered", "trait"), ("exited", "trait")]
    await stage.assert_no_drift()
    warned = await stage.preview({"any": [{"tag": "gold"}, {"tag": "godl"}]})
    assert [warning["pointer"] for warning in warned["warnings"]] == ["/definition/any/1"]


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({"tag": ""}, "/definition/tag"),
        ({"tag": ["gold"]}, "/definition/tag"),
        ({"tag": "gold", "op": "equals"}, "/definition/op"),
        ({"tag": "gold", "value": 1}, "/definition/value"),
    ],
)
async def test_what_is_wrong_is_named_by_its_pointer(stage, definition, pointer):
    body = {"name": "s", "state": "live", "definition": definition}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
