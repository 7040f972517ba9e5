"""What a user types never reaches SQL as text, and what is wrong is said with a pointer, never with a 500."""

import pytest

from services.segment.store.columnar import Refusal

CORPUS = [
    "'",
    "''",
    "\\",
    "\\'",
    "';drop table event;--",
    '"',
    "`",
    "{p0:String}",
    "{x:Int64}",
    "%s",
    "%(p0)s",
    "?",
    "$1",
    ":name",
    "/*",
    "*/",
    "--",
    "#",
    "\n",
    "\r\n",
    "\t",
    "\x00",
    "\x1a",
    "\\N",
    "\\x00",
    "NULL",
    "1 or 1=1",
    ") or (1",
    "}}",
    "{{",
    "{",
    "金卡",
    "🎁",
    "\u202e",
    "x" * 5000,
    "a.b.c",
    " ",
    "select",
    "''''",
    "\\\\'",
    "person_no",
    "now()",
    "\x1e",
    "\x1f",
]


def slots(text):
    """Every place of the language that takes a text of the user's."""
    yield {"trait": text, "op": "exists"}
    yield {"trait": [text, text], "op": "exists"}
    for op in ("equals", "not_equals", "gt", "lt", "contains", "starts_with", "ends_with", "has_any"):
        yield {"trait": "t", "op": op, "value": text}
        yield {"trait": "t", "op": op, "value": text, "ignore_case": True}
    yield {"trait": "t", "op": "in", "value": [text, "x"]}
    yield {"trait": "t", "op": "between", "value": [text, text]}
    yield {"trait": "t", "op": "has_been", "value": text, "for_at_least": "1 day"}
    yield {"did": text}
    yield {"did_prefix": text}
    yield {"did": "e", "where": [{"prop": text, "op": "equals", "value": text}]}
    yield {"did": "e", "where": [{"prop": [text, text], "op": "contains", "value": text}]}


DISTINCT = {"aggregate": "distinct", "event": "e", "prop": "p", "op": "gt", "value": 1}


async def test_no_text_in_any_slot_is_read_as_sql(stage):
    await stage.create("kim")
    for text in CORPUS:
        await stage.event("kim", text, {text: text}) if "\x00" not in text else None
        definition = {"any": list(slots(text))}
        answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
        assert answer.status_code == 200, (text, answer.text)
        assert answer.json()["count"] in (0, 1)
    wanted = "';drop table event;--"
    literal = {"did": wanted, "where": [{"prop": wanted, "op": "equals", "value": wanted}]}
    assert (await stage.preview(literal))["count"] == 1


async def test_patterns_are_text_too_and_broken_ones_are_refused(stage):
    await stage.create("kim")
    for text in CORPUS:
        definition = {"trait": "t", "op": "matches", "value": text}
        answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
        assert answer.status_code in (200, 422), (text, answer.text)
    body = {"name": "s", "state": "live", "definition": {"all": [{"trait": "t", "op": "matches", "value": "("}]}}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/definition/all/0/value"


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({}, "/definition"),
        ({"all": []}, "/definition/all"),
        ({"all": [{"any": []}]}, "/definition/all/0/any"),
        ({"all": [{"trait": "a", "op": "equals"}]}, "/definition/all/0"),
        ({"trait": "a", "op": "like", "value": "x"}, "/definition/op"),
        ({"trait": "", "op": "exists"}, "/definition/trait"),
        ({"trait": "a", "op": "gt", "value": True}, "/definition/value"),
        ({"trait": "a", "op": "gt", "value": {"x": 1}}, "/definition/value"),
        ({"trait": "a", "op": "exists", "extra": 1}, "/definition/extra"),
        ({"trait": "a/b", "op": "in", "value": []}, "/definition/value"),
        ({"did": "e", "count": {"op": "gte", "n": -1}}, "/definition/count/n"),
        ({"did": "e", "count": {"op": "gte", "n": 10**30}}, "/definition/count/n"),
        ({"did": "e", "count": {"op": "between", "n": [3, 1]}}, "/definition/count/n"),
        ({"did": "e", "window": {"last": "7 parsecs"}}, "/definition/window/last"),
        ({"did": "e", "window": {"last": "0 days"}}, "/definition/window/last"),
        ({"did": "e", "window": {"from": "yesterday"}}, "/definition/window/from"),
        ({"did": "e", "window": {"from": "2024-02-01", "to": "2024-01-01"}}, "/definition/window"),
        ({"did": "e", "where": [{"prop": "p", "op": "within_last", "span": "1 day"}]}, "/definition/where/0/op"),
        ({"did": "e", "where": [{"prop": "date", "op": "within_next", "span": "7 days"}]}, "/definition/where/0/op"),
        ({"in_segment": "x"}, "/definition/in_segment"),
        ({"in_segment": "018f0000-0000-7000-8000-000000000000"}, "/definition"),
        ({"trait": "a", "op": "equals", "value": "\ud800"}, "/definition/value"),
        ({"did": "e", "trait": "a", "op": "exists"}, "/definition"),
        ({**DISTINCT, "currency": "currency"}, "/definition/currency"),
        ({"all": [{**DISTINCT, "convert": {"EUR": 1}}]}, "/definition/all/0/convert"),
    ],
)
async def test_what_is_wrong_is_named_by_its_pointer(stage, definition, pointer):
    import json

    body = json.dumps({"name": "s", "state": "live", "definition": definition})
    headers = {"content-type": "application/json"}
    answer = await stage.app.client.post("/v1/segment/segments", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_all_faults_are_told_at_once(stage):
    definition = {"all": [{"trait": "a", "op": "equals"}, {"any": []}, {"did": 3}]}
    body = {"name": "s", "state": "live", "definition": definition}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/definition/all/0", "/definition/all/1/any", "/definition/all/2/did"]


async def test_a_draft_may_be_unfinished_and_says_what_is_missing(stage):
    body = {"name": "s", "definition": {"all": []}}
    answer = await stage.app.client.post("/v1/segment/segments", json=body)
    assert answer.status_code == 201
    assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["/definition/all"]
    url = f"/v1/segment/segments/{answer.json()['segment_id']}"
    assert (await stage.app.client.patch(url, json={"state": "live"})).status_code == 422


async def test_a_draft_beyond_all_bounds_is_refused_and_never_kept(stage):
    client, headers = stage.app.client, {"content-type": "application/json"}
    kept = await client.post("/v1/segment/segments", json={"name": "s", "definition": {"all": []}})
    url = f"/v1/segment/segments/{kept.json()['segment_id']}"
    shapes = (('{"all":[', "]}", "/all/0"), ('{"trait":"t","op":"in","value":', "}", "/value"), ("[", "]", "/0"))
    for depth in (150, 300, 450):
        for opening, closing, step in shapes:
            nested = f'{opening * depth}{{"did":"e"}}{closing * depth}'
            for method, path in (("POST", "/v1/segment/segments"), ("PATCH", url)):
                body = f'{{"name":"d","definition":{{"all":[{nested}]}}}}'
                answer = await client.request(method, path, content=body, headers=headers)
                if answer.status_code in (200, 201):
                    assert depth * step.count("/") <= 250
                    continue
                assert answer.status_code == 422, (depth, opening, answer.text)
                assert answer.json()["errors"][0]["pointer"].startswith(f"/definition/all/0{step}")
    long = {"trait": "t", "op": "in", "value": ["x" * 1000] * 600}
    answer = await client.post("/v1/segment/segments", json={"name": "d", "definition": long})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/definition"
    listed = await client.get("/v1/segment/segments")
    assert listed.status_code == 200
    assert (await client.get(f"{url}/dependents")).status_code == 200


async def test_very_deep_groups_are_refused_not_fatal(stage):
    definition = {"did": "e"}
    for _ in range(90):
        definition = {"all": [definition]}
    assert (await stage.preview(definition))["count"] == 0
    for _ in range(300):
        definition = {"all": [definition]}
    answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
    assert answer.status_code == 422


async def test_unknown_names_are_valid_and_warned_of(stage):
    await stage.event("kim", "bought")
    previewed = await stage.preview({"any": [{"did": "bought"}, {"did": "boguht"}, {"trait": "agee", "op": "exists"}]})
    assert previewed["count"] == 1
    assert [warning["pointer"] for warning in previewed["warnings"]] == ["/definition/any/1", "/definition/any/2"]


async def test_a_question_that_would_read_too_much_is_refused_with_the_reason_before_it_is_asked(stage):
    for number in range(5):
        await stage.event("kim", "bought", {"n": number})
    definition = {"all": [{"did": "bought"}]}
    assert (await stage.preview(definition))["count"] == 1
    runtime = stage.app.runtime
    runtime.settings = runtime.settings.model_copy(update={"most_rows_read": 4})
    for path, body in (("preview", {}), ("segments", {"name": "s", "state": "live"})):
        answer = await stage.app.client.post(f"/v1/segment/{path}", json={**body, "definition": definition})
        assert answer.status_code == 422, answer.text
        error = answer.json()["errors"][0]
        assert error["pointer"] == "/definition"
        assert "would read 5 rows, at most 4" in error["detail"]
    assert await stage.ask("kim", condition=definition), "about few persons it costs nothing"


async def test_a_definition_too_long_to_be_asked_is_refused_however_it_is_asked(stage):
    filters = [{"prop": ["p"] * 8, "op": "in", "value": [str(n) for n in range(40)]}] * 50
    heavy = {"regularly": "e", "period": "1 day", "periods": 100, "where": filters}
    for count, reason in ((2, "characters long"), (10, "characters long"), (100, "bytes long")):
        definition = {"any": [{**heavy, "regularly": f"e{n}"} for n in range(count)]}
        for path, member, beside in (
            ("preview", "definition", {}),
            ("segments", "definition", {"name": "s", "state": "live"}),
            ("questions/membership", "condition", {"person_nos": [1]}),
            ("explain", "definition", {"person_no": 1}),
        ):
            answer = await stage.app.client.post(f"/v1/segment/{path}", json={member: definition, **beside})
            assert answer.status_code == 422, answer.text
            error = answer.json()["errors"][0]
            assert (error["pointer"], reason in error["detail"]) == (f"/{member}", True), error


async def test_a_question_that_the_engine_does_not_take_is_no_fault_of_the_service(stage, monkeypatch):
    await stage.create("kim")
    definition = {"did": "bought"}
    segment = await stage.segment(definition)

    async def refuse(*_, **__):
        raise Refusal("Code: 718. Maximum amount of backtracking exceeded in the parser")

    monkeypatch.setattr(stage.app.runtime.parts.columnar, "ask", refuse)
    for path, body, status in (
        ("preview", {"definition": definition}, 422),
        ("segments", {"name": "s", "state": "live", "definition": definition}, 422),
        ("questions/membership", {"condition": definition, "person_nos": [1]}, 503),
        ("questions/membership", {"segment_id": segment, "person_nos": [1]}, 503),
        ("explain", {"definition": definition, "person_no": 1}, 503),
    ):
        answer = await stage.app.client.post(f"/v1/segment/{path}", json=body)
        assert answer.status_code == status, answer.text
        assert "does not take the question" in answer.text
