"""Tags: a catalogue, tags by hand, by events and by rules asked of segment; they equal a full recompute."""

import random
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from tests.fixtures.apps import House, ServiceApp
from tests.profile.saying import an_event, at, identify, merged, owns, person_id, publish, split

PERSONS = (7, 8, 9)
LIVE = {"kind": "event", "event": "Live Entered", "where": [{"prop": "entry_code", "op": "in", "value": ["a1", "a2"]}]}


class Tags:
    """Profile and segment beside each other, three persons in them."""

    def __init__(self, house: House, profile: ServiceApp, segment: ServiceApp) -> None:
        self.house, self.profile, self.segment = house, profile, segment
        self.sealer = profile.runtime.sealer(1)

    async def settle(self) -> None:
        for _ in range(2):
            await self.profile.drain()
            await self.segment.drain()

    async def define(self, tag: str, status: int = 200, **body) -> dict:
        answer = await self.profile.client.put(f"/v1/profile/tags/{tag}", json=body)
        assert answer.status_code == status, answer.text
        await self.settle()
        return dict(answer.json())

    async def assign(self, tag: str, status: int = 200, **body) -> dict:
        lists = {word: [str(person_id(n)) for n in body.pop(word, ())] for word in ("assign", "remove")}
        answer = await self.profile.client.post(f"/v1/profile/tags/{tag}/persons", json={**lists, **body})
        assert answer.status_code == status, answer.text
        await self.settle()
        return dict(answer.json())

    async def of(self, number: int) -> dict[str, dict]:
        answer = await self.profile.client.get(f"/v1/profile/persons/{person_id(number)}")
        assert answer.status_code == 200, answer.text
        return {one["tag"]: one for one in answer.json()["tags"]}

    async def why(self, number: int) -> list[dict]:
        answer = await self.profile.client.get(f"/v1/profile/persons/{person_id(number)}/tags")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def covered(self, tag: str) -> tuple[int, float]:
        answer = (await self.profile.client.get(f"/v1/profile/tags/{tag}")).json()
        return answer["persons"], answer["coverage_percent"]

    async def in_segment(self, tag: str) -> set[int]:
        body = {"condition": {"tag": tag}, "person_nos": list(PERSONS)}
        answer = await self.segment.client.post("/v1/segment/questions/membership", json=body)
        return set(answer.json()["person_nos"])

    async def who(self, tag: str) -> set[int]:
        """Return who has a tag, by profile, which segment has to agree with."""
        found = {number for number in PERSONS if tag in await self.of(number)}
        assert await self.in_segment(tag) == found
        return found

    async def hear(self, *events) -> None:
        await publish(self.house.bus, *events)
        await self.settle()

    async def advance(self, **span: float) -> None:
        until = self.profile.runtime.now(1) + timedelta(**span)
        await self.segment.advance_to(until)
        await self.profile.advance_to(until)
        await self.settle()


@pytest_asyncio.fixture
async def tags(house: House) -> Tags:
    # a service reaches those that were started before it
    segment = await house.start("segment")
    made = Tags(house, await house.start("profile"), segment)
    words = [owns(number, number * 10, 1, sealer=made.sealer) for number in PERSONS]
    await made.hear(*words, *(identify(n, n * 10, traits={"n": n}, sealer=made.sealer) for n in PERSONS))
    return made


async def test_a_tag_by_hand_goes_with_the_identifier_and_says_why(house: House, tags: Tags):
    kept = await tags.define("gold", kind="manual", group="tier", owner="crm", description="ours", ttl_seconds=3600)
    assert (kept["version"], kept["persons"], kept["coverage_percent"]) == (1, 0, 0.0)
    stranger = "018f0000-0000-7000-8000-000000000000"
    answer = await tags.profile.client.post(
        "/v1/profile/tags/gold/persons", json={"assign": [str(person_id(8)), str(person_id(9)), stranger]}
    )
    assert answer.json() == {"assigned": 2, "removed": 0, "unknown": [stranger]}
    await tags.settle()
    assert await tags.who("gold") == {8, 9} and await tags.covered("gold") == (2, 66.67)
    [why] = await tags.why(8)
    assert (why["group"], why["source"], why["rule_version"]) == ("tier", "manual", 1)
    assert [(fact["word"], fact["source"]) for fact in why["facts"]] == [("assign", "manual")]
    await tags.assign("gold", remove=[9])
    assert await tags.who("gold") == {8}
    await tags.hear(merged(7, 8, 2), owns(7, 80, 2, sealer=tags.sealer))
    assert "gold" in await tags.of(7) and await tags.in_segment("gold") == {7, 8}, "8 is 7 now"
    await tags.hear(split(7, 8, 3), owns(8, 80, 3, sealer=tags.sealer))
    assert await tags.who("gold") == {8}
    await tags.advance(hours=1)
    assert await tags.who("gold") == set() and await tags.covered("gold") == (0, 0.0)


async def test_an_entry_code_tags_and_duplicates_and_late_events_change_no_count(tags: Tags):
    await tags.define("live", **LIVE)
    entered = an_event(7, 70, name="Live Entered", properties={"entry_code": "a1"}, minute=-5)
    other = an_event(8, 80, name="Live Entered", properties={"entry_code": "b9"}, minute=-5)
    await tags.hear(entered, other)
    assert await tags.who("live") == {7} and (await tags.covered("live"))[0] == 1
    again = msgspec.structs.replace(entered, received_at=at(1))
    late = an_event(7, 70, name="Live Entered", properties={"entry_code": "a2"}, minute=-900, received=0)
    await tags.hear(again, late)
    assert await tags.who("live") == {7} and (await tags.covered("live"))[0] == 1
    [why] = await tags.why(7)
    assert sorted(fact["fact_id"] for fact in why["facts"]) == sorted([str(entered.id), str(late.id)])
    edited = await tags.define("live", **LIVE | {"where": [{"prop": "entry_code", "op": "starts_with", "value": "b"}]})
    assert edited["version"] == 2
    assert await tags.who("live") == {8}, "everything that ever came is read again"


async def test_tags_by_events_equal_a_full_recompute(tags: Tags):
    await tags.define("live", **LIVE, ttl_seconds=86_400)
    chance = random.Random(4)
    events = [
        an_event(
            number, number * 10, name=chance.choice(["Live Entered", "Live Left"]), minute=-chance.randint(0, 900),
            received=0, properties={"entry_code": chance.choice(["a1", "a2", "b", 1, None])},
        )
        for number in chance.choices(PERSONS, k=40)
    ]  # fmt: skip
    told = [*events, *chance.sample(events, 15)]
    chance.shuffle(told)
    for start in range(0, len(told), 7):
        await publish(tags.house.bus, *told[start : start + 7])
    await tags.settle()
    last = {}
    for event in events:
        if event.name == "Live Entered" and msgspec.json.decode(event.properties)["entry_code"] in ("a1", "a2"):
            last[event.person_no] = max(last.get(event.person_no, event.occurred_at), event.occurred_at)
    assert {n: (await tags.of(n))["live"]["since"] for n in await tags.who("live")} == {
        n: moment.isoformat().replace("+00:00", "Z") for n, moment in last.items()
    }
    before = {n: await tags.of(n) for n in PERSONS}
    async with tags.profile.runtime.worker_database.transaction(1) as tx:
        from services.profile.store.tags import walk

        await walk(tx, 1, "live", 1)
    await tags.settle()
    assert {n: await tags.of(n) for n in PERSONS} == before


async def test_a_rule_is_asked_of_segment_and_editing_it_recomputes_it_and_its_dependants(tags: Tags):
    await tags.define("buyer", kind="rule", rule={"did": "Bought"})
    await tags.define("idle", kind="rule", rule={"none": [{"tag": "buyer"}]})
    daily = {"did": "Seen", "window": {"last": "1 day"}}
    await tags.define("fresh", kind="rule", refresh="daily", rule=daily)
    assert await tags.who("buyer") == set() and await tags.who("idle") == {7, 8, 9}
    await tags.hear(an_event(7, 70, name="Bought"), an_event(8, 80, name="Seen"))
    assert await tags.who("buyer") == {7} and await tags.who("idle") == {8, 9}
    assert await tags.who("fresh") == set(), "asked once a day"
    [why] = [one for one in await tags.why(7) if one["tag"] == "buyer"]
    assert (why["source"], why["rule"], why["rule_version"]) == ("rule", {"did": "Bought"}, 1)
    edited = await tags.define("buyer", kind="rule", rule={"did": "Seen"})
    assert edited["version"] == 2
    assert await tags.who("buyer") == {8} and await tags.who("idle") == {7, 9}
    await tags.advance(hours=23, minutes=59)
    await tags.hear(an_event(9, 90, name="Seen", minute=60 * 23))
    await tags.advance(minutes=2)
    assert await tags.who("fresh") == {9}, "what 8 did is a day ago"
    await tags.hear(merged(8, 9, 2), owns(8, 90, 2, sealer=tags.sealer))
    assert set(await tags.of(8)) == {"buyer", "fresh"}


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"kind": "rule"}, 422, ""),
        ({"kind": "event"}, 422, ""),
        ({"kind": "model"}, 422, "/kind"),
        ({"kind": "manual", "ttl_seconds": 0}, 422, "/ttl_seconds"),
        ({"kind": "rule", "rule": {"all": []}}, 422, "/rule/all"),
        ({"kind": "rule", "rule": {"any": [{"did": "x"}, {"trait": "a", "op": "like"}]}}, 422, "/rule/any/1/op"),
        ({"kind": "rule", "rule": {"tag": "mine"}}, 422, "/rule"),
        ({"kind": "event", "event": "x", "where": [{"prop": "p", "op": "in", "value": 1}]}, 422, "/where/0"),
    ],
)
async def test_a_tag_that_makes_no_sense_is_refused_with_a_pointer(tags: Tags, body, status, pointer):
    answer = await tags.define("mine", status=status, **body)
    assert pointer in [error["pointer"] for error in answer["errors"]], answer


async def test_a_tag_is_given_the_way_it_is_made_for(tags: Tags):
    await tags.define("live", **LIVE)
    await tags.assign("live", status=409, assign=[7])
    await tags.assign("none", status=404, assign=[7])
    await tags.define("live", status=409, kind="manual")
    await tags.define("gold", kind="manual")
    await tags.assign("gold", status=422, assign=[7], remove=[7])
