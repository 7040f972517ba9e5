"""Hand-made lists: shown, replaced, changed by single persons, and never emptied by a slip of the pen."""

import asyncio

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel

from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.http.house import house_routes
from libs.common.ids import new_id
from libs.common.registry import discover
from services.segment import api
from services.segment.subscribers import on_person_erased, on_person_merged
from tests.segment.stage import WORKSPACE

SEGMENTS = "/v1/segment/segments"
NOBODY = 999_999


async def listed(stage, *names):
    """Make persons and a segment without members by itself; return its path."""
    await stage.create(*names)
    return f"{SEGMENTS}/{await stage.segment({'did': 'bought'})}"


async def put(stage, url, include=(), exclude=()):
    lists = {"include": [stage.person(name) for name in include], "exclude": [stage.person(name) for name in exclude]}
    answer = await stage.app.client.put(f"{url}/lists", json=lists)
    assert answer.status_code == 204, answer.text
    await stage.app.drain()


async def shown(stage, url):
    answer = await stage.app.client.get(f"{url}/lists")
    assert answer.status_code == 200, answer.text
    return {which: {stage.name_of(number) for number in numbers} for which, numbers in answer.json().items()}


async def members(stage, url):
    return await stage.members(url.rsplit("/", 1)[-1])


async def test_lists_are_shown_as_they_were_put(stage):
    url = await listed(stage, "kim", "lea", "max")
    assert await shown(stage, url) == {"include": set(), "exclude": set()}
    await put(stage, url, include=("kim", "lea"), exclude=("lea", "max"))
    assert await shown(stage, url) == {"include": {"kim"}, "exclude": {"lea", "max"}}, "who is on both is excluded"
    assert await members(stage, url) == {"kim"}
    again = (await stage.app.client.get(f"{url}/lists")).json()
    assert (await stage.app.client.put(f"{url}/lists", json=again)).status_code == 204
    assert (await stage.app.client.get(f"{url}/lists")).json() == again


async def test_a_slip_of_the_pen_empties_no_list(stage):
    url = await listed(stage, "kim", "lea")
    await put(stage, url, include=("kim", "lea"))
    for method, body, pointer in (
        ("PUT", {"included": [1, 2]}, "/included"),
        ("PUT", {"include": [1, 2]}, "/exclude"),
        ("PUT", {}, "/include"),
        ("PATCH", {"includ": [1]}, "/includ"),
        ("PATCH", {}, ""),
    ):
        answer = await stage.app.client.request(method, f"{url}/lists", json=body)
        assert answer.status_code == 422, (method, body, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    await stage.app.drain()
    assert await members(stage, url) == {"kim", "lea"}


async def test_single_persons_come_onto_a_list_and_off_it(stage):
    url = await listed(stage, "kim", "lea", "max", "zoe")
    await put(stage, url, include=("kim", "lea"), exclude=("max",))
    change = {"include": [stage.person("max"), stage.person("zoe")], "exclude": [stage.person("kim")],
              "remove": [stage.person("lea")]}  # fmt: skip
    answer = await stage.app.client.patch(f"{url}/lists", json=change)
    assert answer.status_code == 204, answer.text
    await stage.app.drain()
    assert await shown(stage, url) == {"include": {"max", "zoe"}, "exclude": {"kim"}}
    assert await members(stage, url) == {"max", "zoe"}
    twice = {"include": [stage.person("kim")], "remove": [stage.person("kim")]}
    answer = await stage.app.client.patch(f"{url}/lists", json=twice)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/remove/0")
    assert await shown(stage, url) == {"include": {"max", "zoe"}, "exclude": {"kim"}}


async def test_lists_follow_whom_they_name_through_merges_of_merges_and_back(stage):
    await stage.create("kim", "lea", "max", "zoe")
    lists = {"include": ("lea",), "exclude": ()}, {"include": (), "exclude": ("lea",)}
    definitions = {"manual_only": True}, {"none": [{"did": "never"}]}
    urls = [f"{SEGMENTS}/{await stage.segment(one, name=str(one))}" for one in definitions]
    for url, listed_ones in zip(urls, lists, strict=True):
        await put(stage, url, **listed_ones)
        await stage.app.drain()

    async def both():
        return [await members(stage, url) for url in urls]

    assert await both() == [{"lea"}, {"kim", "max", "zoe"}]
    await stage.merge("kim", "lea")
    assert await both() == [{"kim"}, {"max", "zoe"}]
    await stage.merge("max", "kim")
    assert await both() == [{"max"}, {"zoe"}], "nobody who is listed is lost because two merges came one by one"
    await stage.split("max", "kim", 1001)
    await stage.merge("kim", "lea")  # identity tells again who had come to whom that is back
    assert await both() == [{"kim"}, {"max", "zoe"}]
    await stage.split("kim", "lea", 1002)
    assert await both() == [{"lea"}, {"kim", "max", "zoe"}]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_who_is_listed_while_he_is_merged_or_erased_is_listed_as_who_he_is_then(stage, method):
    url = await listed(stage, "kim", "lea", "max")
    runtime, include = stage.app.runtime, {"include": [stage.person("lea")]}
    body = include | ({"exclude": []} if method == "PUT" else {})
    erased = {"exclude": [stage.person("max")]} | ({"include": []} if method == "PUT" else {})
    said = {"workspace_id": WORKSPACE, "received_at": stage.now, "occurred_at": stage.now}
    merged = PersonMerged(
        **said, person_no=stage.person("kim"), person_id=new_id(), graph_version=stage.version(),
        absorbed=(Absorbed(stage.person("lea"), new_id()),),
    )  # fmt: skip
    gone = PersonErased(
        **said, person_no=stage.person("max"), person_id=new_id(), graph_version=stage.version(), erasure_id=new_id(),
        subject_nos=(1000 + stage.person("max"),),
    )  # fmt: skip
    async with runtime.worker_database.transaction(WORKSPACE) as tx:
        await on_person_merged.handle(tx, [merged], runtime)
        await on_person_erased.handle(tx, [gone], runtime)
        asked = [
            asyncio.create_task(stage.app.client.request(method, f"{url}/lists", json=one)) for one in (body, erased)
        ]
        await asyncio.sleep(1)
    answers = [(await one).status_code for one in asked]
    await stage.app.drain()
    assert answers == [204, 422]
    assert await members(stage, url) == {"kim"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_whom_nobody_ever_heard_of_is_refused_by_his_place(stage, method):
    url = await listed(stage, "kim", "lea", "max")
    await put(stage, url, include=("kim",))
    await stage.merge("kim", "lea")
    await stage.erase("max")
    unheard = {"include": [stage.person("lea"), NOBODY], "exclude": [stage.person("max"), NOBODY + 1]}
    answer = await stage.app.client.request(method, f"{url}/lists", json=unheard)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/include/1", "/exclude/0", "/exclude/1"]
    assert await shown(stage, url) == {"include": {"kim"}, "exclude": set()}
    off = await stage.app.client.patch(f"{url}/lists", json={"remove": [NOBODY]})
    assert off.status_code == 204, "who is on no list comes off it"


async def test_a_list_holds_so_many_whichever_way_they_come(stage, monkeypatch):
    monkeypatch.setattr("services.segment.usecases.change_lists.MOST_LISTED", 2)
    url = await listed(stage, "kim", "lea", "max")
    await put(stage, url, include=("kim", "lea"))
    answer = await stage.app.client.patch(f"{url}/lists", json={"include": [stage.person("max")]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/include")
    moved = {"include": [stage.person("max")], "exclude": [stage.person("kim")]}
    assert (await stage.app.client.patch(f"{url}/lists", json=moved)).status_code == 204
    assert await shown(stage, url) == {"include": {"lea", "max"}, "exclude": {"kim"}}


def bodies() -> set[type[BaseModel]]:
    """Every model that a body of this service is read into, those within others too."""
    found: set[type[BaseModel]] = set()
    routers = [house_routes("segment"), *discover(api, "router", APIRouter)]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    waiting = [route.body_field.field_info.annotation for route in routes if route.body_field]
    while waiting:
        one = waiting.pop()
        waiting += getattr(one, "__args__", ())
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
            found.add(one)
            waiting += [field.annotation for field in one.model_fields.values()]
    return found


def test_no_body_has_members_that_nobody_knows():
    found = bodies()
    known = {"DeadLetterChoice", "NewSegment", "SegmentEdit", "Snapshot", "Lists", "GridOf", "AxisValue", "Question"}
    assert known <= {one.__name__ for one in found}
    assert [one.__name__ for one in found if one.model_config.get("extra") != "forbid"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "", {"name": "x", "definition": {"did": "q"}, "status": "live"}, "/status"),
        ("PATCH", "/{id}", {"titel": "x"}, "/titel"),
        ("POST", "/{id}/snapshot", {"name": "x", "kee": "x"}, "/kee"),
        ("POST", "/grid", {"name": "x", "axes": [{"name": "a", "values": [], "w": 1}]}, "/axes/0/w"),
    ],
)
async def test_a_member_nobody_knows_is_refused_by_its_pointer(stage, method, path, body, pointer):
    segment = await stage.segment({"did": "bought"})
    answer = await stage.app.client.request(method, SEGMENTS + path.format(id=segment), json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
