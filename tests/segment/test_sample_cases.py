"""The sample conformance cases, through the service's events and its public API under a driven clock."""

from datetime import datetime

import pytest
from pyroaring import BitMap

from services.segment.conditions.catalogue import grammar
from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.moment import Moment
from services.segment.store.asking import Scope, ask
from tests.fixtures.shared_data import sample_cases
from tests.segment.columnar import a_columnar_store, parsed, put
from tests.segment.oracle import Person
from tests.segment.stage import a_stage

CASES = sample_cases("segments_sample.json") or {"truth_table": [], "dates": [], "timelines": []}
SINGLE = [*CASES["truth_table"], *CASES["dates"]]


def supported(definition) -> bool:
    """Tell whether every condition of a definition is in the language yet."""
    for kind in ("all", "any", "none"):
        if kind in definition:
            return all(supported(part) for part in definition[kind])
    return any(key in grammar().conditions for key in definition)


TIMELINES = [case for case in CASES["timelines"] if all(map(supported, case["segments"].values()))]


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("case", SINGLE, ids=[f"{case['id']} {case['title']}" for case in SINGLE])
async def test_one_condition_on_one_person(tmp_path, case):
    if case["expect"] == "invalid":
        with pytest.raises(InvalidDefinition):
            parsed(case["condition"])
        return
    moment = Moment(moment_of(case["now"]), case.get("zone", "UTC"))
    async with a_columnar_store(tmp_path) as store:
        await put(store, 1, {1: Person(case["traits"])})
        inquiry = Inquiry(moment)
        formula = parsed(case["condition"]).formula(inquiry)
        atoms = await ask(store, inquiry, Scope(1, False))
        assert (1 in answer_one(formula, atoms=atoms, among=BitMap([1]), members={})) is case["expect"]


@pytest.mark.parametrize("case", TIMELINES, ids=[f"{case['id']} {case['title']}" for case in TIMELINES])
async def test_a_timeline(house, case):
    house.records[0] = type(house.records[0])(
        **{name: getattr(house.records[0], name) for name in house.records[0].__struct_fields__}
        | {"driven_now": moment_of(case["start"])}
    )
    stage = await a_stage(house)
    await stage.create(*case["persons"])
    for person, traits in case["persons"].items():
        for name, value in traits.items():
            await stage.trait(person, name, value)
    segments = {}
    for name, definition in case["segments"].items():
        refers = "in_segment" in definition
        body = {"in_segment": segments[definition["in_segment"]]} if refers else definition
        segments[name] = await stage.segment(body, name=name)
    held = {(person, name): value for person, traits in case["persons"].items() for name, value in traits.items()}
    for step in case["steps"]:
        await stage.clock(moment_of(step["at"]))
        await _do(stage, step, segments, held)


async def _do(stage, step, segments, held):
    if "event" in step:
        event = step["event"]
        at = moment_of(event["time"]) if "time" in event else None
        await stage.event(event["person"], event["name"], event.get("props"), at=at)
    if "set_traits" in step:
        person = step["set_traits"]["person"]
        for name, value in step["set_traits"]["traits"].items():
            # profile says a change only: the same value again is none
            if held.get((person, name)) != value:
                await stage.trait(person, name, value)
                held[person, name] = value
    if "manual" in step:
        manual = step["manual"]
        lists = {which: [stage.person(name) for name in manual[which]] for which in ("include", "exclude")}
        url = f"/v1/segment/segments/{segments[manual['segment']]}/lists"
        assert (await stage.app.client.put(url, json=lists)).status_code == 204
        await stage.app.drain()
    for name, expected in step.get("expect", {}).items():
        assert await stage.members(segments[name]) == set(expected), step
        await stage.assert_no_drift()
