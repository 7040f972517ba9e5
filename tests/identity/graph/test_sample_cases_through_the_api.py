"""The sample cases through the running service, in many orders of delivery."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.identity.graph.sample_cases import CASES, Link, Refusal, arrival, assert_expected, node_name, policies_of
from tests.identity.graph.sample_orders import orders_of, stops

pytestmark = pytest.mark.skipif(not CASES, reason="the sample cases are not here")
RUNS = [
    pytest.param(case, order, name.startswith(("whole", "delivered")), id=f"{case['id']}-{name.replace(' ', '-')}")
    for case in CASES
    for name, order in orders_of(case).items()
]


async def send(client, event) -> dict[str, Any]:
    item = {name: event[name] for name in ("id", "kind", "tier", "time", "identifiers")}
    answer = await client.post("/v1/identity/evidence", json={"items": [item]})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]


async def picture(client, events) -> dict[str, str]:
    """Return the person id of every identifier that the events name validly."""
    given = list({node_name(one): one for event in events for one in event["identifiers"]}.values())
    answer = await client.post("/v1/identity/resolve", json={"items": [{"identifiers": [one]} for one in given]})
    found = answer.json()["items"]
    return {
        node_name(one): item["person_id"]
        for one, item in zip(given, found, strict=True)
        if item["person_id"] is not None
    }


async def refusals(client, persons) -> tuple[dict[Link, Refusal], set[str]]:
    links: dict[Link, Refusal] = {}
    shared: set[str] = set()
    for person_id in set(persons.values()):
        person = (await client.get(f"/v1/identity/persons/{person_id}")).json()
        shared |= {node_name(one) for one in person["identifiers"] if one["state"] == "shared"}
        for link in person["refused"]:
            ends = tuple(sorted((node_name(link["a"]), node_name(link["b"]))))
            links[ends] = link["state"], link["reason"], tuple(map(node_name, link["blockers"]))
    return links, shared


async def suggested(client) -> list[Link]:
    """Return the pairs that wait for somebody's word."""
    answer = await client.get("/v1/identity/suggestions", params={"limit": 500})
    assert answer.status_code == 200, answer.text
    pairs = ([node_name(item[side]["identifier"]) for side in "ab"] for item in answer.json()["items"])
    return sorted(tuple(sorted(pair)) for pair in pairs)


def in_the_way(links: dict[Link, Refusal]) -> list[Link]:
    """Return the pairs that links were refused for, by a limit or over a device: somebody is asked about them."""
    named = {
        tuple(sorted(blockers))
        for state, reason, blockers in links.values()
        if state == "suppressed" and (reason == "leaf" or reason.startswith("limit:"))
    }
    return sorted(pair for pair in named if len(set(pair)) == 2)


class Telling:
    """A case on its way through a service: what was sent, what named nobody, and which ids were told when."""

    def __init__(self, identity, case, now) -> None:
        self.identity, self.client, self.case, self.now = identity, identity.client, case, now
        self.sent: set[int] = set()
        self.known: set[str] = set()
        self.invalid: set[tuple[str, str]] = set()
        self.same = [(one, one["as"]) for expected in case["expect"] for one in expected.get("person_id_same", ())]
        self.ids: dict[int, dict[str, str]] = {}
        self.asked: set[int] = set()

    @property
    def so_far(self) -> list[dict[str, Any]]:
        return [self.case["events"][position] for position in sorted(self.sent)]

    async def deliver(self, position: int) -> None:
        """Send an event when it arrives, or now when that has passed."""
        event = self.case["events"][position]
        if arrival(event) > self.now:
            self.now = arrival(event)
            await self.identity.advance_to(self.now)
        taken = await send(self.client, event)
        assert taken["outcome"] == ("duplicate" if event["id"] in self.known else "accepted")
        self.known.add(event["id"])
        self.sent.add(position)
        self.invalid |= {
            (event["id"], event["identifiers"][int(one["pointer"].rsplit("/", 1)[1])]["value"])
            for one in taken["invalid"]
        }
        for after in {one["after"] for pair in self.same for one in pair} - self.ids.keys():
            if self.sent >= set(range(after)):
                self.ids[after] = await picture(self.client, self.so_far)

    async def ask(self) -> None:
        """Compare with what the case expects of exactly these events, if it expects something."""
        for expected in self.case["expect"]:
            if self.sent == set(range(expected["after"])):
                self.asked.add(expected["after"])
                await self.compare(expected)

    async def compare(self, expected: dict[str, Any]) -> None:
        await self.identity.drain()
        persons = await picture(self.client, self.so_far)
        groups: dict[str, list[str]] = {}
        for name, person_id in persons.items():
            groups.setdefault(person_id, []).append(name)
        links, shared = await refusals(self.client, persons)
        assert_expected(expected, groups.values(), links, shared)
        waiting = await suggested(self.client)
        assert waiting == in_the_way(links), "whatever came first"
        assert self.invalid == {(one["event"], one["value"]) for one in expected.get("invalid", ())}
        if "suggestions" in expected:
            assert waiting == sorted(tuple(sorted(pair)) for pair in expected["suggestions"])

    def compare_ids(self) -> None:
        for one, other in self.same:
            assert self.ids[one["after"]][one["node"]] == self.ids[other["after"]][other["node"]]


async def play(identity, case, order: Sequence[int] | None = None) -> set[int]:
    """Deliver a case's events one by one and compare wherever the case asks; return after how many events it was asked.

    A question is asked when all events it is about have come and none other, and those of them that come again at once.
    Which id somebody keeps depends on what came first, so ids are compared where every question was met in its turn.
    """
    answer = await identity.client.put("/v1/identity/policies", json={"namespaces": policies_of(case)})
    assert answer.status_code == 200, answer.text
    order = order or range(len(case["events"]))
    telling = Telling(identity, case, arrival(case["events"][order[0]]))
    await identity.put_clock(telling.now, held=False)
    for number, position in enumerate(order, 1):
        await telling.deliver(position)
        if number == len(order) or order[number] not in telling.sent:
            await telling.ask()
    if telling.asked == set(stops(case)):
        telling.compare_ids()
    return telling.asked


@pytest.mark.parametrize(("case", "order", "whole"), RUNS)
async def test_the_service_gives_what_the_case_expects(house, case, order, whole):
    """As given, turned and shuffled with repeats, the clock of the workspace driven to each arrival.

    A case that asks on its way is turned and shuffled between its questions, each of which is met; `whole` orders mix
    all its events, and meet the last question at least.
    """
    asked = await play(await house.start("identity"), case, order)
    assert asked == set(stops(case)) or (whole and max(stops(case)) in asked)
