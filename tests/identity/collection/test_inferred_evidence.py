"""What somebody only infers merges nobody: it is suggested, with its score and what spoke for it (case 32)."""

from typing import Any

import pytest

from tests.identity.collection.conftest import Door
from tests.identity.collection.test_suggestions import FANS, PHONE, TABLET, U1, U2, decide, say, suggested

WATERFALL = [
    {"comparison": "prior", "outcome": "any two records", "weight": -6.5},
    {"comparison": "name", "outcome": "sounds equal", "weight": 12.25, "frequency_weight": 1.5},
]
MAIL = {"namespace": "email", "value": "wang.fang@example.com"}


async def infer(door: Door, *identifiers: dict[str, str], **fields: Any) -> Any:
    item = {"kind": "infer", "tier": 4, "identifiers": list(identifiers), **fields}
    return await door.ask("POST", "/v1/identity/evidence", json={"items": [item]})


async def people(door: Door, *identifiers: dict[str, str]) -> set[str]:
    items = [{"identifiers": [one]} for one in identifiers]
    answer = await door.ask("POST", "/v1/identity/resolve", json={"items": items})
    return {item["person_id"] for item in answer.json()["items"]}


async def test_an_inferred_fact_is_suggested_with_its_score_and_merges_nobody(door: Door) -> None:
    await say(door, ("login", 1, [U1]), ("login", 1, [FANS[0], PHONE]))
    answer = await infer(door, U1, FANS[0], score=7.25, waterfall=WATERFALL)
    assert answer.status_code == 200, answer.text
    [item] = await suggested(door)
    assert (item["origin"], item["reason"], item["score"]) == ("inferred", "inferred", 7.25)
    assert item["waterfall"] == [{"frequency_weight": 0.0, **step} for step in WATERFALL]
    assert {item[side]["identifier"]["value"] for side in "ab"} == {"u-1", FANS[0]["value"]}
    assert len(await people(door, U1, FANS[0])) == 2
    assert len(await suggested(door, origin="inferred")) == 1
    assert await suggested(door, origin="score") == []


async def test_without_a_score_the_waterfall_adds_up_to_one_and_without_both_there_is_none(door: Door) -> None:
    await infer(door, U1, FANS[0], waterfall=WATERFALL)
    await infer(door, U1, FANS[1])
    scores = {item["score"] for item in await suggested(door)}
    assert scores == {7.25, None}


async def test_evidence_of_any_kind_that_is_of_tier_four_is_suggested(door: Door) -> None:
    await say(door, ("observe", 4, [U1, FANS[0]]))
    assert [item["origin"] for item in await suggested(door)] == ["inferred"]
    assert len(await people(door, U1, FANS[0])) == 2


async def test_the_same_again_changes_nothing(door: Door) -> None:
    first = await infer(door, U1, FANS[0], id="match-1", score=5)
    again = await infer(door, U1, FANS[0], id="match-1", score=9)
    outcomes = [answer.json()["items"][0]["outcome"] for answer in (first, again)]
    assert outcomes == ["accepted", "duplicate"]
    [before] = await suggested(door)
    assert before["score"] == 5
    await infer(door, U1, FANS[0])
    assert await suggested(door) == [before]
    await infer(door, U1, FANS[0], score=6)
    [item] = await suggested(door)
    assert (item["suggestion_id"], item["score"]) == (before["suggestion_id"], 6)


async def test_what_is_accepted_is_evidence_of_tier_zero(door: Door) -> None:
    await infer(door, U1, FANS[0], score=7)
    [item] = await suggested(door)
    assert (await decide(door, item, "accept")).status_code == 200
    assert len(await people(door, U1, FANS[0])) == 1
    [row] = await door.rows("select tier, author from evidence where kind = 'must_link'")
    assert (row["tier"], row["author"]) == (0, "key:test")
    await infer(door, U1, FANS[0], score=8)
    assert await suggested(door) == []


async def test_what_is_refused_is_not_suggested_again_by_whatever_is_inferred(door: Door) -> None:
    await infer(door, U1, FANS[0], score=7)
    [item] = await suggested(door)
    assert (await decide(door, item, "refuse")).status_code == 200
    await infer(door, U1, FANS[0], score=70)
    await say(door, ("login", 1, [FANS[0], PHONE]))
    await infer(door, U1, PHONE, score=70)
    assert await suggested(door) == []


async def test_it_closes_when_the_two_become_one_otherwise(door: Door) -> None:
    await infer(door, U1, FANS[0], score=7)
    [item] = await suggested(door)
    await say(door, ("login", 1, [U1, FANS[0]]))
    assert await suggested(door) == []
    answer = await decide(door, item, "accept")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "out_of_date")


async def test_it_closes_when_the_inference_is_taken_back(door: Door) -> None:
    await infer(door, U1, FANS[0], score=7, time="2024-01-01T00:00:00Z")
    await say(door, ("retract", 0, [U1, FANS[0]]))
    assert await suggested(door) == []


async def test_two_accounts_of_one_issuer_are_suggested_and_a_limit_still_stands(door: Door) -> None:
    await infer(door, U1, U2, score=11)
    [item] = await suggested(door)
    answer = await decide(door, item, "accept")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "limit")
    await say(door, ("retract", 0, [U1, U2]))
    assert await suggested(door) == []


async def test_nobody_is_suggested_to_be_the_owner_of_what_many_share(door: Door) -> None:
    users = [{**U1, "value": f"u-{number}"} for number in range(5)]
    await say(door, *(("login", 1, [user, PHONE]) for user in users))
    await infer(door, FANS[0], PHONE, score=7)
    assert await suggested(door, origin="inferred") == []


@pytest.mark.parametrize("inferred_first", [True, False])
async def test_a_pair_that_is_suggested_for_two_reasons_stays_while_one_of_them_does(
    door: Door, inferred_first: bool
) -> None:
    logins = [("login", 1, [FANS[0], TABLET]), ("login", 1, [FANS[1], TABLET])]
    if not inferred_first:
        await say(door, *logins)
    await infer(door, FANS[0], FANS[1], score=7, time="2024-01-01T00:00:00Z")
    if inferred_first:
        await say(door, *logins)
    [item] = await suggested(door)
    assert item["score"] == 7
    await say(door, ("retract", 0, [FANS[0], FANS[1]]))
    assert [one["suggestion_id"] for one in await suggested(door)] == [item["suggestion_id"]]
    await say(door, ("unbind", 0, [FANS[0], TABLET]), ("unbind", 0, [FANS[1], TABLET]))
    assert await suggested(door) == []


async def test_an_inference_about_an_erased_person_is_gone(door: Door) -> None:
    await infer(door, U1, FANS[0], score=7)
    [person] = await people(door, U1)
    answer = await door.ask("POST", f"/v1/identity/persons/{person}/erase", json={})
    assert answer.status_code in {200, 202}, answer.text
    await infer(door, U1, FANS[0], score=7)
    assert await door.rows("select 1 from suggestion") == []


async def test_a_preview_suggests_nothing(door: Door) -> None:
    item = {"kind": "infer", "tier": 4, "identifiers": [U1, FANS[0]], "score": 3}
    answer = await door.ask("POST", "/v1/identity/evidence/preview", json={"items": [item]})
    assert answer.status_code == 200, answer.text
    assert await suggested(door) == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "login", "tier": 1, "score": 3}, "/items/0/score"),
        ({"kind": "login", "tier": 1, "waterfall": WATERFALL}, "/items/0/waterfall"),
        ({"kind": "unbind", "tier": 4, "score": 3}, "/items/0/score"),
        ({"score": "nan"}, "/items/0/score"),
        ({"waterfall": [{"comparison": "name", "weight": 1}]}, "/items/0/waterfall/0/outcome"),
    ],
)
async def test_only_what_is_inferred_has_a_score(door: Door, fields: dict[str, Any], pointer: str) -> None:
    answer = await infer(door, U1, MAIL, **fields)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
