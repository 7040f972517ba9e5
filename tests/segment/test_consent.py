"""Segments of who allows contact: heard of profile, right to the second, rebuilt and erased like everything else."""

from datetime import timedelta

import pytest

from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.contracts.profile.policy_declared import Declaration, PolicyDeclared
from tests.segment.stage import WORKSPACE, Stage

MAIL = {"consented": {"purpose": "marketing", "channel": "email"}}


async def consent(stage: Stage, name: str, state: str, *, channel: str = "email", **more) -> None:
    await stage.say(
        ConsentChanged(
            workspace_id=WORKSPACE, person_no=stage.person(name), purpose="marketing", channel=channel, state=state,
            version=stage.version(), received_at=stage.now, occurred_at=stage.now, **more,
        )
    )  # fmt: skip


async def policy(stage: Stage, *declared: tuple[str, str, bool], version: int | None = None) -> None:
    await stage.say(
        PolicyDeclared(
            workspace_id=WORKSPACE, version=version or stage.version(), received_at=stage.now, occurred_at=stage.now,
            declared=tuple(Declaration(*one) for one in declared),
        )
    )  # fmt: skip


async def test_a_yes_enters_and_a_no_leaves_with_the_cause(stage):
    await stage.create("kim", "lea")
    segment = await stage.segment(MAIL)
    await consent(stage, "kim", "granted", channel="*")
    assert await stage.members(segment) == {"kim"}
    await consent(stage, "kim", "withdrawn")
    assert await stage.members(segment) == set()
    await consent(stage, "kim", "unknown")
    assert await stage.members(segment) == {"kim"}, "the word about e-mail is gone, the one about every channel stays"
    changes = [(word, cause) for _, _, word, cause in await stage.changes()]
    assert changes == [("entered", "consent"), ("exited", "consent"), ("entered", "consent")]
    await stage.assert_no_drift()


async def test_a_grant_ends_to_the_second_without_a_word(stage):
    await stage.create("kim", "lea")
    segment = await stage.segment(MAIL)
    nobody = await stage.segment({"none": [MAIL]})
    end = stage.now + timedelta(hours=1)
    await consent(stage, "kim", "granted", until=end)
    await consent(stage, "lea", "granted", until=end, after="denied")
    await stage.clock(end - timedelta(seconds=1))
    assert await stage.members(segment) == {"kim", "lea"}
    await stage.clock(end)
    assert await stage.members(segment) == set() and await stage.members(nobody) == {"kim", "lea"}
    assert {cause for *_, word, cause in await stage.changes() if word == "exited"} >= {"time"}
    await policy(stage, ("marketing", "email", True))
    assert await stage.members(segment) == {"kim"}, "his silence allows; the no of lea stands again"
    await stage.assert_no_drift()


async def test_another_policy_asks_everybody_again_and_an_older_one_changes_nothing(stage):
    await stage.create("kim", "lea")
    await consent(stage, "lea", "denied")
    segment = await stage.segment(MAIL)
    other = await stage.segment({"did": "bought"})
    await policy(stage, ("marketing", "*", True), version=7)
    assert await stage.members(segment) == {"kim"}
    assert [(word, cause) for one, _, word, cause in await stage.changes() if one == segment] == [("entered", "edit")]
    await policy(stage, version=6)
    assert await stage.members(segment) == {"kim"}
    await policy(stage, ("marketing", "*", True), ("marketing", "email", False), version=8)
    assert await stage.members(segment) == set() and await stage.members(other) == set()
    await stage.create("new")
    assert await stage.ask("new", condition={"consented": {"purpose": "marketing", "channel": "sms"}})


async def test_what_a_merge_did_is_told_as_a_merge(stage):
    await stage.create("kim", "lea")
    segment = await stage.segment(MAIL)
    await consent(stage, "lea", "granted")
    await stage.merge("kim", "lea")
    await consent(stage, "lea", "unknown", silent=True)
    await consent(stage, "kim", "granted", silent=True)
    assert await stage.members(segment) == {"kim"}
    told = [(name, word, cause) for _, name, word, cause in await stage.changes()]
    assert told == [("lea", "entered", "consent"), ("kim", "entered", "merge")]


async def test_the_erased_are_out_and_explain_shows_the_word_that_decides(stage):
    await stage.create("kim")
    segment = await stage.segment(MAIL)
    await consent(stage, "kim", "granted", channel="*", until=stage.now + timedelta(days=1))
    answer = await stage.app.client.post("/v1/segment/explain", json={"segment_id": segment, "person_no": 1})
    [shown] = answer.json()["conditions"]
    assert shown["holds"] and shown["value"].startswith("granted until 2026-03-02 08:00:00"), shown
    await stage.erase("kim")
    assert await stage.members(segment) == set()
    columnar = stage.app.runtime.parts.columnar
    assert (await columnar.rows("select count() as n from trait where workspace_id = 1", {}))[0]["n"] == 0


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ("marketing", "/definition/consented"),
        ({}, "/definition/consented"),
        ({"purpose": "marketing"}, "/definition/consented"),
        ({"purpose": "", "channel": "email"}, "/definition/consented/purpose"),
        ({"purpose": "marketing", "channel": 3}, "/definition/consented/channel"),
        ({"purpose": "marketing", "channel": "email", "topic": ["news"]}, "/definition/consented/topic"),
        ({"purpose": "marketing", "channel": "email", "brand": "x"}, "/definition/consented/brand"),
        ({"purpose": "m" * 101, "channel": "email"}, "/definition/consented/purpose"),
        ({"purpose": "\ud800", "channel": "email"}, "/definition/consented/purpose"),
    ],
)
async def test_what_is_wrong_is_named_by_its_pointer(stage, asked, pointer):
    import json

    body = json.dumps({"name": "s", "state": "live", "definition": {"consented": asked}})
    headers = {"content-type": "application/json"}
    answer = await stage.app.client.post("/v1/segment/segments", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
