"""Segments of who can be reached on a channel, as profile says it."""

import pytest

from libs.common.contracts.profile.contact_changed import ContactChanged
from tests.segment.stage import WORKSPACE, Stage


async def contact(stage: Stage, name: str, *, usable: bool, channel: str = "email", silent: bool = False) -> None:
    await stage.say(
        ContactChanged(
            workspace_id=WORKSPACE, person_no=stage.person(name), channel=channel, usable=usable, silent=silent,
            version=stage.version(), received_at=stage.now, occurred_at=stage.now,
        )
    )  # fmt: skip


async def test_an_address_enters_and_its_bounce_leaves(stage):
    await stage.create("kim", "lea")
    segment = await stage.segment({"reachable": "email"})
    other = await stage.segment({"none": [{"reachable": "sms"}]})
    await contact(stage, "kim", usable=True)
    assert await stage.members(segment) == {"kim"} and await stage.members(other) == {"kim", "lea"}
    await contact(stage, "lea", usable=True, silent=True)
    await contact(stage, "kim", usable=False)
    assert await stage.members(segment) == {"lea"}
    told = [(name, word, cause) for one, name, word, cause in await stage.changes() if one == segment]
    assert told == [("kim", "entered", "trait"), ("lea", "entered", "merge"), ("kim", "exited", "trait")]
    await stage.assert_no_drift()


async def test_a_channel_that_needs_no_address_reaches_everybody(stage):
    await stage.create("kim", "lea")
    assert await stage.members(await stage.segment({"reachable": "inbox"})) == {"kim", "lea"}
    assert await stage.members(await stage.segment({"reachable": "pigeon"})) == set()


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({"reachable": ""}, "/definition/reachable"),
        ({"reachable": {"channel": "email"}}, "/definition/reachable"),
        ({"reachable": "email", "purpose": "x"}, "/definition/purpose"),
    ],
)
async def test_what_is_wrong_is_named_by_its_pointer(stage, definition, pointer):
    body = {"name": "s", "state": "live", "definition": definition}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
