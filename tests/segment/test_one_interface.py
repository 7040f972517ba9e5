"""The splits of journeys, the rules of tags and partners ask segment by one question, in one language."""

import json

from services.journey.clients.questions import ask
from services.journey.nodes.split import SplitNode
from services.profile.clients.segment import ask_rule
from tests.fixtures.apps import House
from tests.segment.stage import a_stage
from tests.segment.test_consent import consent
from tests.segment.test_reachable import contact
from tests.segment.test_tag import tag

CONDITION = {
    "all": [
        {"consented": {"purpose": "marketing", "channel": "email"}},
        {"reachable": "email"},
        {"tag": "gold"},
        {"none": [{"did": "Returned"}]},
    ]
}


async def test_a_split_and_a_tag_rule_are_answered_as_the_public_question_is(house: House):
    stage = await a_stage(house)
    # profile is not started: the stage speaks in its name. Its client asks as it would, by the other's connection
    journey = await house.start("journey")
    names = ("kim", "lea", "max", "noa")
    await stage.create(*names)
    for name in names:
        await consent(stage, name, "granted")
        await contact(stage, name, usable=name != "lea")
        await tag(stage, name)
    await stage.event("max", "Returned")
    persons = {(stage.person(name), stage.ids[name]) for name in names}
    numbers = sorted(number for number, _ in persons)
    asked = SplitNode.model_validate({"id": "s", "condition": CONDITION, "yes": "a", "no": "b"})
    question = asked.question
    found = await ask(journey.runtime.peers, 1, {question: persons})
    by_split = {number for number, answers in found.items() if answers[question]}
    by_rule = await ask_rule(journey.runtime.peers, 1, json.dumps(CONDITION), numbers)
    body = {"condition": CONDITION, "person_nos": numbers}
    answer = await stage.app.client.post("/v1/segment/questions/membership", json=body)
    assert set(answer.json()["person_nos"]) == by_split == by_rule == {stage.person("kim"), stage.person("noa")}
