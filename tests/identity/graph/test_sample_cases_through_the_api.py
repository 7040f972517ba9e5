"""The sample cases through the running service."""

import pytest

from tests.identity.graph.sample_cases import CASES, Link, Refusal, arrival, assert_expected, node_name, policies_of

pytestmark = pytest.mark.skipif(not CASES, reason="the sample cases are not here")
RUNS = [(case, order) for case in CASES for order in (None, *case.get("deliveries", ()))]


async def send(client, event) -> dict:
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


@pytest.mark.parametrize(("case", "order"), RUNS, ids=lambda one: one["id"] if isinstance(one, dict) else "")
async def test_the_service_gives_what_the_case_expects(house, case, order):
    await play(await house.start("identity"), case, order)


async def play(identity, case, order=None) -> None:
    """Deliver a case's events one by one, each when it arrives, and compare wherever the case expects something."""
    client = identity.client
    answer = await client.put("/v1/identity/policies", json={"namespaces": policies_of(case)})
    assert answer.status_code == 200, answer.text
    expectations = {expected["after"]: expected for expected in case["expect"]}
    deliveries = [case["events"][position] for position in order] if order else case["events"]
    history: dict[int, dict[str, str]] = {}
    invalid: set[tuple[str, str]] = set()
    now = arrival(deliveries[0])
    await identity.put_clock(now, held=False)
    for number, event in enumerate(deliveries, 1):
        if arrival(event) > now:
            now = arrival(event)
            await identity.advance_to(now)
        taken = await send(client, event)
        invalid |= {
            (event["id"], event["identifiers"][int(one["pointer"].rsplit("/", 1)[1])]["value"])
            for one in taken["invalid"]
        }
        after = number if not order else len(case["events"]) if number == len(deliveries) else 0
        if not order:
            history[number] = await picture(client, deliveries[:number])
        if after in expectations:
            await identity.drain()
            persons = await picture(client, deliveries)
            groups: dict[str, list[str]] = {}
            for name, person_id in persons.items():
                groups.setdefault(person_id, []).append(name)
            expected = expectations[after]
            assert_expected(expected, groups.values(), *await refusals(client, persons))
            assert invalid == {(one["event"], one["value"]) for one in expected.get("invalid", ())}
            for same in expected.get("person_id_same", ()):
                other = same["as"]
                assert history[same["after"]][same["node"]] == history[other["after"]][other["node"]]
