"""Preview, explanation, live questions, sizes, counts."""

from datetime import datetime


async def test_a_question_sees_everything_committed_and_answers_for_the_merged(stage):
    await stage.event("kim", "bought")
    await stage.event("lea", "seen")
    assert await stage.ask("kim", condition={"did": "bought"})
    assert not await stage.ask("lea", condition={"did": "bought"})
    await stage.merge("kim", "lea")
    assert await stage.ask("lea", condition={"did": "bought"})
    assert await stage.ask("nobody heard of yet", condition={"none": [{"did": "bought"}]})
    await stage.erase("kim")
    assert not await stage.ask("kim", condition={"none": [{"did": "never"}]})


async def test_a_question_about_a_segment_is_answered_live(stage):
    inner = await stage.segment({"did": "bought"})
    outer = await stage.segment({"all": [{"in_segment": inner}, {"trait": "vip", "op": "equals", "value": True}]})
    await stage.trait("kim", "vip", True)
    assert not await stage.ask("kim", segment_id=outer)
    await stage.event("kim", "bought")
    assert await stage.ask("kim", segment_id=outer)
    body = {"segment_id": outer, "condition": {"did": "x"}, "person_nos": [1]}
    assert (await stage.app.client.post("/v1/segment/questions/membership", json=body)).status_code == 422
    body = {"segment_id": "018f0000-0000-7000-8000-000000000000", "person_nos": [1]}
    assert (await stage.app.client.post("/v1/segment/questions/membership", json=body)).status_code == 404


async def test_a_condition_kept_before_its_traits_type_was_declared_is_answered_on(stage):
    await stage.trait("kim", "age", "20")
    await stage.trait("lea", "age", 20)
    condition = {"trait": "age", "op": "starts_with", "value": "2"}
    assert [await stage.ask(name, condition=condition) for name in ("kim", "lea")] == [True, False]
    await stage.declare("age", "number")
    # rules of tags and splits of journeys are asked as they were kept; a live segment goes on as well
    assert [await stage.ask(name, condition=condition) for name in ("kim", "lea")] == [True, False]
    body = {"condition": condition, "person_nos": []}
    refused = await stage.app.client.post("/v1/segment/questions/membership", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/condition/op"), "as it is published"


async def test_a_preview_counts_exactly_and_says_what_each_condition_removes(stage):
    for name, age in (("kim", 20), ("lea", 30), ("max", 40)):
        await stage.trait(name, "age", age)
    await stage.event("kim", "bought")
    await stage.event("max", "bought")
    previewed = await stage.preview({"all": [{"trait": "age", "op": "gte", "value": 30}, {"did": "bought"}]})
    assert (previewed["count"], previewed["universe"]) == (1, 3)
    assert [item["person_no"] for item in previewed["sample"]] == [stage.person("max")]
    assert previewed["conditions"] == [
        {"pointer": "/definition/all/0", "count": 2, "removes": 1},
        {"pointer": "/definition/all/1", "count": 2, "removes": 1},
    ]


async def test_an_explanation_shows_the_deciding_values(stage):
    await stage.event("kim", "bought")
    await stage.event("kim", "bought")
    await stage.trait("kim", "city", "Köln")
    definition = {
        "all": [{"did": "bought", "count": {"op": "gte", "n": 3}}, {"trait": "city", "op": "equals", "value": "Köln"}]
    }
    body = {"definition": definition, "person_no": stage.person("kim")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    counted, city = explained.pop("conditions")
    assert explained == {"member": False, "manual": None, "snapshot_of": None, "trouble": "", "paused": False}
    assert (counted["pointer"], counted["holds"], counted["value"]) == ("/definition/all/0", False, "2")
    assert [one["name"] for one in counted["events"]] == ["bought", "bought"]
    assert city == {"pointer": "/definition/all/1", "holds": True, "value": "Köln", "masked": False, "events": []}


async def test_an_explanation_shows_a_value_of_every_condition(stage):
    for number in (1, 2):
        await stage.event("kim", "bought", {"amount": number})
    buyers = await stage.segment({"did": "bought"}, name="Buyers")
    answer = await stage.app.client.post(f"/v1/segment/segments/{buyers}/snapshot", json={"name": "Buyers in May"})
    draft = await stage.segment({"did": "seen"}, name="Later", state="draft")
    amounts = {"aggregate": "avg", "event": "bought", "prop": "amount", "op": "gt", "value": 1}
    conditions = [
        {"in_segment": buyers},
        {"not_in_segment": answer.json()["segment_id"]},
        {"in_segment": draft},
        amounts,
        *({**amounts, "aggregate": word, "prop": "price"} for word in ("avg", "min", "max", "sum")),
        {"bucket": "spring", "from": 0, "to": 50},
    ]
    body = {"definition": {"any": conditions}, "person_no": stage.person("kim")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()["conditions"]
    assert [one["value"] for one in explained[:-1]] == [
        "in 'Buyers'",
        "in 'Buyers in May', a snapshot of 'Buyers'",
        "not in 'Later', a draft",
        "1.5", "", "", "", "0",
    ]  # fmt: skip
    assert explained[-1]["holds"] == (float(explained[-1]["value"]) < 50)
    assert len(explained[-1]["value"].partition(".")[2]) == 4, "in percent"


async def test_a_preview_warns_of_what_nobody_ever_sent(stage):
    await stage.event("kim", "mall_entered")
    await stage.group("kim", "acme")
    await stage.account("acme", "plan", "paid")
    draft = await stage.segment({"did": "mall_entered"}, name="Later", state="draft")
    live = await stage.segment({"did": "mall_entered"})

    async def warned(condition):
        return [(one["pointer"], one["detail"]) for one in (await stage.preview(condition))["warnings"]]

    def of_accounts(trait):
        return {"account": "any", "where": [{"trait": trait, "op": "exists"}]}

    for known in ({"did_prefix": "mall_"}, of_accounts("plan"), {"in_segment": live}, {"did": "mall_entered"}):
        assert await warned(known) == [], known
    assert await warned({"all": [of_accounts("plan"), of_accounts("plnn")]}) == [
        ("/definition/all/1", "no account was ever seen to have a trait named 'plnn'")
    ]
    assert await warned({"did_prefix": "Mall_"}) == [
        ("/definition", "no event was ever seen whose name begins 'Mall_'")
    ]
    assert await warned({"did": "mall_entered", "window": {"since": "nope"}}) == [
        ("/definition", "no event named 'nope' was ever seen")
    ]
    assert await warned({"not_in_segment": draft}) == [
        ("/definition", "the segment 'Later' is a draft: nobody is in it until it is published")
    ]


async def test_a_preview_warns_of_amounts_in_several_currencies(stage):
    spent = {"aggregate": "sum", "event": "bought", "prop": "amount", "op": "gt", "value": 5}

    async def warned(condition):
        return [(one["pointer"], one["detail"]) for one in (await stage.preview(condition))["warnings"]]

    await stage.event("kim", "bought", {"amount": 6})
    assert await warned(spent) == []
    for currency in ("EUR", "EUR", "eur", "USD", "USD"):
        await stage.event("lea", "bought", {"amount": 10, "currency": currency})
    await stage.event("max", "bought", {"amount": "none", "currency": "GBP"})
    await stage.event("max", "seen", {"amount": 1, "currency": "GBP"})
    found = await stage.preview({"any": [{"did": "seen"}, spent, {**spent, "op": "gt", "value": 100}]})
    assert found["count"] == 2, "max and kim; lea has amounts of two currencies"
    detail = (
        "3 amounts are not like the other 3 (EUR): USD 2, no currency named 1. It holds for nobody who has amounts of "
        "several currencies: say in `convert` what each is worth"
    )
    assert [(one["pointer"], one["detail"]) for one in found["warnings"]] == [
        ("/definition/any/1", detail),
        ("/definition/any/2", detail),
    ]
    for fine in (
        {**spent, "convert": {"EUR": 1, "USD": "0.9", "": 1}},
        {**spent, "aggregate": "distinct"},
        {**spent, "where": [{"prop": "currency", "op": "equals", "value": "USD"}]},
        {**spent, "event": "seen"},
    ):
        assert await warned(fine) == [], fine


async def test_an_explanation_shows_the_latest_events_that_decide(stage):
    for amount in range(8):
        await stage.event("kim", "bought", {"amount": amount})
        await stage.pass_time(hours=1)
    await stage.event("kim", "seen")
    await stage.event("lea", "bought", {"amount": 7})
    conditions = [
        {"did": "bought", "where": [{"prop": "amount", "op": "gte", "value": 2}]},
        {"none": [{"did": "bought", "window": {"last": "90 minutes"}}]},
        {"sequence": [{"event": "bought"}, {"event": "seen"}]},
        {"did": "never"},
    ]
    body = {"definition": {"any": conditions}, "person_no": stage.person("kim")}
    explained = (await stage.app.client.post("/v1/segment/explain", json=body)).json()
    stored = await stage.app.runtime.parts.columnar.rows(
        "select toString(event_id) as event_id, toString(name) as name, event_time from event"
        f" where person_no = {stage.person('kim')} order by event_time desc, event_id desc",
        {},
    )
    told = [[(one["event_id"], datetime.fromisoformat(one["event_time"])) for one in condition["events"]]
            for condition in explained["conditions"]]  # fmt: skip
    rows = [(row["event_id"], row["event_time"]) for row in stored]
    assert told == [rows[1:6], rows[1:2], rows[:5], []]


async def test_a_segment_says_which_refer_to_it(stage):
    inner = await stage.segment({"did": "bought"})
    outer = await stage.segment({"none": [{"in_segment": inner}]})
    await stage.segment({"did": "seen"})
    answer = await stage.app.client.get(f"/v1/segment/segments/{inner}/dependents")
    assert answer.json() == {"segment_ids": [outer], "named_by": []}
    assert (await stage.app.client.get(f"/v1/segment/segments/{outer}/dependents")).json()["segment_ids"] == []


async def test_sizes_are_kept_by_the_hour(stage):
    segment = await stage.segment({"did": "bought", "window": {"last": "1 hour"}})
    await stage.event("kim", "bought")
    await stage.pass_time(hours=2)
    sizes = (await stage.app.client.get(f"/v1/segment/segments/{segment}/sizes")).json()
    assert [(size["size"], size["entered"], size["exited"]) for size in sizes] == [(0, 0, 1), (1, 1, 0)]


async def test_members_are_paged(stage):
    segment = await stage.segment({"none": [{"did": "never"}]})
    await stage.create(*(f"p{number}" for number in range(7)))
    url, found, cursor = f"/v1/segment/segments/{segment}/members", [], None
    while True:
        answer = (await stage.app.client.get(url, params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        found += [item["person_no"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert found == list(range(1, 8))
    assert (await stage.app.client.get(url, params={"cursor": "x"})).status_code == 422


async def test_the_columnar_store_can_be_counted_against_the_record(stage):
    for _ in range(3):
        await stage.event("kim", "bought")
    counts = (await stage.app.client.get("/v1/segment/columnar/counts")).json()
    assert counts == [{"day": str(stage.now.date()), "origin": "collected", "events": 3, "distinct_events": 3}]
    names = (await stage.app.client.get("/v1/segment/names")).json()
    assert names == {"events": ["bought"], "tags": [], "traits": [], "account_traits": []}


async def test_a_key_is_unique_and_another_workspace_sees_nothing(stage):
    body = {"key": "vips", "name": "s", "definition": {"did": "x"}}
    made = await stage.app.client.post("/v1/segment/segments", json=body)
    assert made.status_code == 201
    assert (await stage.app.client.post("/v1/segment/segments", json=body)).status_code == 409
    other = stage.app.as_service("journey", 2)
    url = f"/v1/segment/segments/{made.json()['segment_id']}"
    for path in (url, f"{url}/members", f"{url}/sizes", f"{url}/dependents"):
        assert (await stage.app.client.get(path, headers=other)).status_code == 404
    assert (await stage.app.client.delete(url, headers=other)).status_code == 404
    assert (await stage.app.client.get("/v1/segment/segments", headers=other)).json()["items"] == []
    assert (await stage.app.client.delete(url)).status_code == 204
