"""A definition is shown as it was put: saved again unchanged, it means what it meant."""

from decimal import Decimal

import msgspec
import pytest

from services.segment.conditions.catalogue import grammar
from services.segment.domain.language import examples
from services.segment.domain.reader import Reader, Refused

SEGMENTS = "/v1/segment/segments"
JSON = {"content-type": "application/json"}
NUMBERS = [
    {"trait": "a", "op": "gt", "value": 20.5},
    {"trait": "a", "op": "gt", "value": 1e300},
    {"trait": "a", "op": "gt", "value": 123456789012345678901234567890},
    {"bucket": "spring", "from": 0.5, "to": 10.25},
    {"trait": "home", "op": "within_circle", "center": {"lat": 31.2304, "lon": 121.4737}, "radius_m": 5000.5},
    {"aggregate": "sum", "event": "e", "prop": "p", "op": "gte", "value": 0.1, "convert": {"EUR": 1, "USD": 0.92}},
]


async def test_every_documented_definition_is_shown_as_it_was_put_and_put_again_changes_nothing(stage):
    client = stage.app.client
    for body in [*NUMBERS, *(example.body for _, example in examples(grammar()))]:
        made = await client.post(SEGMENTS, json={"name": "s", "definition": body})
        assert made.status_code == 201, made.text
        url = f"{SEGMENTS}/{made.json()['segment_id']}"
        shown = await client.get(url)
        assert made.json()["definition"] == shown.json()["definition"] == body
        again = await client.patch(url, json={"definition": shown.json()["definition"]})
        assert (again.status_code, again.json()["definition"], again.json()["version"]) == (200, body, 1), again.text
    listed = (await client.get(SEGMENTS, params={"limit": 1000})).json()["items"]
    assert [one["definition"] for one in listed[: len(NUMBERS)]] == NUMBERS


async def test_a_live_segment_saved_unchanged_keeps_its_members(stage):
    segment = await stage.segment({"trait": "a", "op": "gt", "value": 20.5})
    await stage.trait("kim", "a", 30)
    await stage.trait("lea", "a", "n/a")
    assert await stage.members(segment) == {"kim"}
    shown = (await stage.app.client.get(f"{SEGMENTS}/{segment}")).json()
    await stage.app.client.patch(f"{SEGMENTS}/{segment}", json={"definition": shown["definition"]})
    await stage.app.drain()
    assert await stage.members(segment) == {"kim"}


async def counted(stage, definition: str) -> int:
    answer = await stage.app.client.post("/v1/segment/preview", content=f'{{"definition":{definition}}}', headers=JSON)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["count"])


async def test_numbers_of_a_body_are_exact(stage):
    await stage.trait("kim", "n", msgspec.Raw(b"12345678901234567.25"))
    await stage.trait("lea", "n", msgspec.Raw(b"9007199254740993"))
    for value, count in (
        ("12345678901234567.25", 1),
        ("12345678901234567.3", 0),
        ("9007199254740993", 1),
        ("9007199254740992", 0),
        ("9007199254740993.0", 1),
    ):
        assert await counted(stage, f'{{"trait":"n","op":"equals","value":{value}}}') == count, value
    segment = await stage.app.client.post(
        SEGMENTS,
        content='{"name":"s","definition":{"trait":"n","op":"equals","value":12345678901234567.25}}',
        headers=JSON,
    )
    assert b"12345678901234567.25" in segment.content


NOWHERE = ["1e400", "-1e400", "9" * 400, "1e999999999", "-1e999999999999999999", "1e" + "9" * 30, "9" * 5000, "NaN"]
SLOTS = {
    '{"trait":"t","op":"gt","value":%s}': "/value",
    '{"trait":"t","op":"has_any","value":[%s]}': "/value/0",
    '{"did":"e","count":{"op":"gte","n":%s}}': "/count/n",
    '{"bucket":"s","from":0,"to":%s}': "/to",
    '{"aggregate":"sum","event":"e","prop":"p","op":"gt","value":%s}': "/value",
    '{"aggregate":"sum","event":"e","prop":"p","op":"gt","value":1,"convert":{"EUR":%s}}': "/convert/EUR",
    '{"trait":"t","op":"within_circle","center":{"lat":%s,"lon":0},"radius_m":5}': "/center/lat",
}


async def test_a_number_beyond_all_that_is_compared_is_refused(stage):
    for value in NOWHERE:
        for slot, pointer in SLOTS.items():
            content = f'{{"definition":{slot % value}}}'
            answer = await stage.app.client.post("/v1/segment/preview", content=content, headers=JSON)
            if answer.status_code == 400:
                assert value[:5] in answer.json()["detail"]
            else:
                assert answer.status_code == 422, (slot, value[:9], answer.text)
                assert answer.json()["errors"][0]["pointer"] == f"/definition{pointer}"


async def test_no_number_of_a_body_fills_the_memory_or_is_lost_in_a_draft(stage):
    client = stage.app.client
    for number in ("1e999999999", "-1e999999999", "1e-999999999", "0e999999999", "1e1000", "9" * 4000):
        asked = f'{{"condition":{{"did":"e"}},"person_nos":[{number}]}}'
        answer = await client.post("/v1/segment/questions/membership", content=asked, headers=JSON)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/person_nos/0")
        draft = f'{{"name":"s","definition":{{"trait":"t","op":"nonsense","value":[{{"n":{number}}}]}}}}'
        answer = await client.post(SEGMENTS, content=draft, headers=JSON)
        if "-" in number[1:] or number.startswith("0"):
            assert answer.json()["definition"]["value"] == [{"n": 0}]
        else:
            assert answer.status_code == 422, (number, answer.text)
            assert answer.json()["errors"][0]["pointer"] == "/definition/value/0/n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, Decimal("1e999999999"), Decimal("-1e400")])
def test_no_number_is_read_that_floats_do_not_reach(value):
    for read in (Reader.scalar, Reader.whole, lambda reader: reader.number(-90, 90)):
        reader = Reader(value, "/n")
        with pytest.raises(Refused):
            read(reader)
        assert [fault.pointer for fault in reader.faults] == ["/n"]


async def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(stage):
    half = "\\ud800"
    for definition, pointer in (
        ('{"did":"%s"}', "/did"),
        ('{"did":"x","%s":1}', ""),
        ('{"all":[{"%s":1}]}', "/all/0"),
        ('{"trait":"a","op":"in","value":["b","%s"]}', "/value/1"),
        ('{"aggregate":"sum","event":"e","prop":"p","op":"gt","value":1,"convert":{"%s":1}}', "/convert"),
    ):
        for path, more in (("preview", ""), ("segments", '"name":"s","state":"live",'), ("segments", '"name":"s",')):
            content = f'{{{more}"definition":{definition % half}}}'
            answer = await stage.app.client.post(f"/v1/segment/{path}", content=content, headers=JSON)
            assert answer.status_code == 422, (definition, path, more, answer.text)
            assert [error["pointer"] for error in answer.json()["errors"]] == [f"/definition{pointer}"]


async def test_segments_are_found_by_a_part_of_their_name_or_key_and_by_state(stage):
    client = stage.app.client
    made = [("VIP Frauen 100%", "vip-women", "live"), ("vip men", None, "draft"), ("Neue", "new", "live")]
    for name, key, state in made:
        body = {"name": name, "key": key, "state": state, "definition": {"did": "bought"}}
        assert (await client.post("/v1/segment/segments", json=body)).status_code == 201

    async def found(**asked):
        answer = await client.get("/v1/segment/segments", params=asked)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    assert await found(search="VIP") == ["VIP Frauen 100%", "vip men"]
    assert await found(search="vip", state="live") == await found(search="0%") == ["VIP Frauen 100%"]
    assert await found(search="Women") == ["VIP Frauen 100%"] and await found(search="_") == []
    assert await found(state="draft") == ["vip men"]
    assert await found(state="paused") == []
    refused = await client.get("/v1/segment/segments", params={"state": "asleep"})
    assert refused.status_code == 422


async def test_the_versions_of_a_segment_are_shown_as_they_were_put(stage):
    client = stage.app.client
    segment = await stage.segment({"trait": "age", "op": "gte", "value": 1.0}, state="draft")
    url = f"/v1/segment/segments/{segment}"
    for body in ({"definition": {"did": "a"}, "state": "live"}, {"definition": {"did": "b"}}, {"name": "renamed"}):
        assert (await client.patch(url, json=body)).status_code == 200
    answer = await client.get(f"{url}/versions")
    assert '"value":1.0' in answer.text
    shown = [(one["version"], one["definition"], one["published_at"] is not None) for one in answer.json()["items"]]
    assert shown == [
        (3, {"did": "b"}, True), (2, {"did": "a"}, True), (1, {"trait": "age", "op": "gte", "value": 1.0}, False)
    ]  # fmt: skip
    first = (await client.get(f"{url}/versions", params={"limit": 2})).json()
    rest = (await client.get(f"{url}/versions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["version"] for one in (*first["items"], *rest["items"])] == [3, 2, 1] and rest["next_cursor"] is None
    other = stage.app.as_service("journey", 2)
    assert (await client.get(f"{url}/versions", headers=other)).status_code == 404
