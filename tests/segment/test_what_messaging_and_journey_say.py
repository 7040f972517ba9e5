"""Conditions about messages and journeys hear messaging and journey alone: a collected event of such a name is nothing.

The collector takes none; those of a record from before are in the store, under an identifier like all it collects.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.ids import new_id
from tests.segment.stage import WORKSPACE, Stage

SPRING = UUID(int=1)
DEFINITIONS: tuple[dict[str, Any], ...] = (
    {"message": "opened"},
    {"message": "opened", "campaign": str(SPRING), "window": {"last": "2 days"}},
    {"message": "opened", "count": {"op": "gte", "n": 1}},
    {"journey": "welcome", "state": "in"},
    {"journey": "welcome", "state": "entered"},
    {"did": "$message_opened"},
    {"did_prefix": "$message_"},
    {"sequence": [{"event": "$journey_entered"}, {"event": "$message_opened"}]},
    {"did": "Bought", "window": {"since": {"event": "$message_opened"}}},
)
PROPERTIES = {
    "$journey_entered": {"journey_name": "welcome", "run_id": "r1", "sequence": 1, "node": "n"},
    "$message_opened": {"campaign_id": str(SPRING)},
    "Bought": {},
}


def entered(stage: Stage, person: str, journey: str = "welcome") -> RunProgressed:
    """Return journey's word that a person entered."""
    number = stage.person(person)
    return RunProgressed(
        workspace_id=WORKSPACE, person_no=number, person_id=stage.ids[person], run_id=new_id(), journey_id=new_id(),
        journey_version=1, journey_name=journey, state="entered", sequence=1, node="n", received_at=stage.now,
        occurred_at=stage.now,
    )  # fmt: skip


def opened(stage: Stage, person: str) -> MessageProgressed:
    """Return messaging's word that a person opened a message."""
    return MessageProgressed(
        workspace_id=WORKSPACE, person_no=stage.person(person), message_id=new_id(), state="opened", channel="email",
        campaign_id=SPRING, received_at=stage.now, occurred_at=stage.now,
    )  # fmt: skip


@pytest.mark.parametrize("embedded", [True, False], ids=["kept", "each by itself"])
async def test_only_what_they_say_themselves_counts(stage: Stage, monkeypatch: pytest.MonkeyPatch, embedded: bool):
    monkeypatch.setattr(stage.app.runtime.parts.columnar, "is_embedded", embedded)
    segments = [await stage.segment(definition) for definition in DEFINITIONS]
    for event, properties in PROPERTIES.items():
        await stage.event("mallory", event, properties)
    assert [await stage.members(one) for one in segments] == [set()] * len(segments)
    await stage.say(entered(stage, "kim"))
    await stage.pass_time(seconds=1)
    await stage.say(opened(stage, "kim"))
    await stage.pass_time(seconds=1)
    await stage.event("kim", "Bought")
    assert [await stage.members(one) for one in segments] == [{"kim"}] * len(segments)
    await stage.merge("lea", "kim")
    await stage.event("lea", "Bought", at=stage.now - timedelta(days=9))
    assert [await stage.members(one) for one in segments] == [{"lea"}] * len(segments)
    assert [(await stage.preview(one))["count"] for one in DEFINITIONS] == [1] * len(DEFINITIONS)
    await stage.assert_no_drift()


async def test_who_is_in_another_journey_is_not_in_this_one(stage: Stage):
    welcome, farewell = [await stage.segment({"journey": name, "state": "in"}) for name in ("welcome", "farewell")]
    await stage.say(entered(stage, "kim"), entered(stage, "lea", "farewell"))
    assert (await stage.members(welcome), await stage.members(farewell)) == ({"kim"}, {"lea"})
    assert (await stage.preview({"journey": "welcome", "state": "in"}))["count"] == 1
    await stage.assert_no_drift()
