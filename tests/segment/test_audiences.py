"""What is done with segments: many in one call, overlap, snapshots, exports."""

import csv
import hashlib
import io
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Unavailable
from libs.common.http.cells import csv_lines, harmless
from services.segment.clients.reach import Reach

STAGES = [f"stage{number}" for number in range(12)]
INTERESTS = [f"interest{number}" for number in range(10)]


def axis(name, keys):
    values = [
        {"key": key, "name": key.title(), "definition": {"trait": name, "op": "equals", "value": key}} for key in keys
    ]
    return {"name": name, "values": values}


GRID = {
    "name": "Festival: {stage} x {interest}", "key": "festival-{stage}-{interest}", "state": "live",
    "axes": [axis("stage", STAGES), axis("interest", INTERESTS)],
    "base": {"none": [{"did": "unsubscribed"}]},
}  # fmt: skip


async def test_one_call_makes_120_segments_and_each_person_has_one_by_priority(stage):
    client = stage.app.client
    people = {"kim": (0, 0), "lea": (0, 1), "max": (11, 9), "zoe": (5, 5)}
    for name, (first, second) in people.items():
        await stage.trait(name, "stage", STAGES[first])
        await stage.trait(name, "interest", INTERESTS[second])
    await stage.event("zoe", "unsubscribed")
    made = await client.post("/v1/segment/segments/grid", json=GRID)
    assert made.status_code == 201, made.text
    segments = {tuple(one["values"].values()): one for one in made.json()["segments"]}
    assert len(segments) == 120
    assert segments["stage11", "interest9"]["name"] == "Festival: Stage11 x Interest9"
    assert segments["stage11", "interest9"]["key"] == "festival-stage11-interest9"
    await stage.app.drain()
    for name, (first, second) in people.items():
        expected = set() if name == "zoe" else {name}
        assert await stage.members(segments[STAGES[first], INTERESTS[second]]["segment_id"]) == expected

    again = await client.post("/v1/segment/segments/grid", json=GRID)
    assert again.status_code == 409, "the keys are taken, and not one more was made"
    listed = (await client.get("/v1/segment/segments", params={"limit": 1000})).json()["items"]
    assert len(listed) == 120

    everybody = await stage.segment({"trait": "stage", "op": "exists"})
    chosen = [segments["stage0", "interest0"]["segment_id"], everybody, segments["stage0", "interest1"]["segment_id"]]
    found = (await client.post("/v1/segment/overlaps", json={"segment_ids": chosen})).json()
    assert found["counts"] == [[1, 1, 0], [1, 4, 1], [0, 1, 1]]
    assert [one["first"] for one in found["segments"]] == [1, 3, 0], "by priority everybody is reached once"
    assert (found["persons"], found["in_how_many"]) == (4, [2, 2, 0])


async def test_a_grid_with_a_fault_makes_nothing_and_points_at_it(stage):
    client = stage.app.client
    broken = json.loads(json.dumps(GRID))
    broken["axes"][1]["values"][3]["definition"] = {"all": []}
    refused = await client.post("/v1/segment/segments/grid", json=broken)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/axes/1/values/3/definition/all"
    many = GRID | {"axes": [axis("stage", [f"s{n}" for n in range(51)]), axis("interest", INTERESTS)]}
    refused = await client.post("/v1/segment/segments/grid", json=many)
    assert refused.json()["errors"][0]["pointer"] == "/axes"
    for part, pointer in (({"key": "k-{stag}"}, "/key"), ({"axes": [GRID["axes"][0]] * 2}, "/axes")):
        refused = await client.post("/v1/segment/segments/grid", json=GRID | part)
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await client.get("/v1/segment/segments")).json()["items"] == []


async def test_the_names_of_a_grid_are_what_its_values_say_and_no_longer_than_names_are(stage):
    client = stage.app.client
    named = {"key": "new", "name": "New {interest}", "definition": {"did": "seen"}}
    grid = {"name": "{stage}: {interest}", "key": "f-{stage}-{interest}", "axes": [
        {"name": "stage", "values": [named]}, axis("interest", ["tea"]),
    ]}  # fmt: skip
    made = (await client.post("/v1/segment/segments/grid", json=grid)).json()
    assert [one["name"] for one in made["segments"]] == ["New {interest}: Tea"]
    long = {**named, "key": "k" * 50, "name": "n" * 100}
    for part, pointer in (
        ({"name": "{stage}{stage}!", "key": None}, "/name"),
        ({"key": "{stage}-{stage}"}, "/key"),
    ):
        body = {**grid, "axes": [{"name": "stage", "values": [named, long]}, grid["axes"][1]], **part}
        refused = await client.post("/v1/segment/segments/grid", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), refused.text
    assert len((await client.get("/v1/segment/segments")).json()["items"]) == 1


async def test_a_grid_whose_combinations_would_read_too_much_is_refused(stage):
    client = stage.app.client
    for name in ("bought", "seen"):
        for number in range(5):
            await stage.event("kim", name, {"n": number})
    value = {"key": "one", "name": "One"}
    grid = {"name": "{a} {b}", "state": "live", "axes": [
        {"name": "a", "values": [{**value, "definition": {"did": "bought"}}]},
        {"name": "b", "values": [{**value, "definition": {"did": "seen"}}]},
    ]}  # fmt: skip
    runtime = stage.app.runtime

    async def post(most_rows_read):
        runtime.settings = runtime.settings.model_copy(update={"most_rows_read": most_rows_read})
        return await client.post("/v1/segment/segments/grid", json=grid)

    most = 40
    while (await post(most)).status_code == 201:
        most -= 1
    refused = await post(most)
    error = refused.json()["errors"][0]
    assert (refused.status_code, error["pointer"]) == (422, "/axes"), "each part by itself is read"
    assert f"at most {most} may be read" in error["detail"]
    body = {"name": "s", "state": "live", "definition": {"all": [{"did": "bought"}, {"did": "seen"}]}}
    assert (await client.post("/v1/segment/segments", json=body)).status_code == 422, "as one made by itself"


async def test_a_snapshot_keeps_its_members_but_for_merges_and_erasures(stage):
    client = stage.app.client
    buyers = await stage.segment({"did": "bought", "window": {"last": "7 days"}})
    for name in ("kim", "lea", "max"):
        await stage.event(name, "bought")
    made = await client.post(f"/v1/segment/segments/{buyers}/snapshot", json={"name": "As of today", "key": "then"})
    assert made.status_code == 201, made.text
    frozen = made.json()["segment_id"]
    assert (made.json()["state"], made.json()["size"], made.json()["snapshot_of"]) == ("frozen", 3, buyers)
    outside = await stage.segment({"not_in_segment": frozen})
    await stage.create("zoe", "tom")
    await stage.event("zoe", "bought")
    await stage.pass_time(days=8)
    assert await stage.members(buyers) == set()
    assert await stage.members(frozen) == {"kim", "lea", "max"}
    assert await stage.members(outside) == {"zoe", "tom"}
    await stage.changes()
    await stage.merge("tom", "lea")
    assert await stage.members(frozen) == {"kim", "tom", "max"}
    assert (frozen, "tom", "entered", "merge") in await stage.changes()
    await stage.erase("kim")
    assert await stage.members(frozen) == {"tom", "max"}
    refused = [("PATCH", "", {"definition": {"did": "x"}}), ("PATCH", "", {"state": "draft"}),
               ("PUT", "/lists", {"include": [], "exclude": []}), ("PATCH", "/lists", {"include": [1]})]  # fmt: skip
    for method, path, body in refused:
        answer = await client.request(method, f"/v1/segment/segments/{frozen}{path}", json=body)
        assert answer.status_code == 409, (path, answer.text)
    assert (await client.patch(f"/v1/segment/segments/{frozen}", json={"name": "Once"})).json()["name"] == "Once"
    assert (await client.delete(f"/v1/segment/segments/{frozen}")).status_code == 409, "outside refers to it"


def profile_answers(monkeypatch, addresses, asked):
    """Profile is not in this test: `addresses` are of those who allow it."""

    async def answered(_runtime, _workspace_id, person_nos, **question):
        asked.append((len(person_nos), question))
        return [
            Reach(
                number, "granted" if number in addresses else "denied", addresses.get(number, "hidden@example.com"),
                "verified", {"note": msgspec.Raw(b'"=1+1"'), "points": msgspec.Raw(b"12345678901234567890.5")},
            )
            for number in person_nos
        ]  # fmt: skip

    monkeypatch.setattr("services.segment.api.exports.reach_persons", answered)


async def test_exports_are_lossless_harmless_hashed_and_of_those_who_allow_it(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    await stage.say(*[stage.recorded(f"p{number}", "bought") for number in range(1203)])
    asked = []
    profile_answers(monkeypatch, {1: "Kim@Example.com ", 700: "lea@example.com"}, asked)
    url = f"/v1/segment/segments/{segment}/export"

    async def export(**parameters):
        answer = await stage.app.client.get(url, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer

    plain = [json.loads(line) for line in (await export()).text.splitlines()]
    assert [line["person_no"] for line in plain] == list(range(1, 1204))
    assert plain[0]["person_id"] == str(stage.ids["p0"])
    assert asked == [], "who is in it needs no question"

    resumed, after = [], 0
    while after is not None:
        page = await export(after=after, limit=400, form="csv")
        resumed += list(csv.reader(io.StringIO(page.text)))
        after = page.headers.get("X-Next-After")
    assert [row[0] for row in resumed] == ["person_no", *(str(number) for number in range(1, 1204))]

    lossless = await export(channel="email", purpose="marketing", traits=["note", "points"])
    assert lossless.text.splitlines()[0].endswith('"traits":{"note":"=1+1","points":12345678901234567890.5}}')
    assert [json.loads(line)["person_no"] for line in lossless.text.splitlines()] == [1, 700]
    assert {count for count, _ in asked} == {500, 203}, "in batches"
    cells = list(csv.reader(io.StringIO((await export(form="csv", traits=["note", "points"])).text)))
    assert cells[1][2:] == ["'=1+1", "12345678901234567890.5"]
    hashed = (await export(form="hashed", channel="email", purpose="marketing")).text.split()
    assert hashed == [
        "email_sha256",
        *(hashlib.sha256(one.encode()).hexdigest() for one in ("kim@example.com", "lea@example.com")),
    ]

    for wrong, pointer in (
        ({"channel": "email"}, "query/purpose"), ({"form": "hashed"}, "query/channel"), ({"topic": "x"}, "query/topic"),
        ({"form": "hashed", "channel": "push", "purpose": "p"}, "query/channel"),
    ):  # fmt: skip
        refused = await stage.app.client.get(url, params=wrong)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_an_export_does_not_begin_while_profile_is_away(stage, monkeypatch):
    segment = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")

    async def away(*_arguments, **_options):
        raise Unavailable("profile is away")

    monkeypatch.setattr(stage.app.runtime.peers, "post", away)
    url = f"/v1/segment/segments/{segment}/export"
    for form in ("csv", "ndjson"):
        answer = await stage.app.client.get(url, params={"form": form, "channel": "email", "purpose": "marketing"})
        assert (answer.status_code, answer.json()["detail"]) == (503, "profile is away")
    assert (await stage.app.client.get(url)).status_code == 200, "who is in it needs no question"
    nobody = await stage.app.client.get(url, params={"channel": "email", "purpose": "marketing", "after": 10})
    assert (nobody.status_code, nobody.text) == (200, "")


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1), min_size=1))
def test_any_text_is_a_cell_that_no_spreadsheet_runs(rows):
    lines = csv_lines(rows)
    read = list(csv.reader(io.StringIO(lines.decode(), newline="")))
    assert read == [[harmless(cell) for cell in row] for row in rows]
    for cell in (cell for row in read for cell in row):
        assert cell.lstrip()[:1] not in set("=+-@＝＋－＠")
