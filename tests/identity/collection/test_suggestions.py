"""Pairs that may be one person wait for somebody's word, and his word is remembered."""

from typing import Any

from tests.identity.collection.conftest import Door

U1 = {"namespace": "user_id", "scope": "main", "value": "u-1"}
U2 = {"namespace": "user_id", "scope": "main", "value": "u-2"}
PHONE = {"namespace": "phone", "value": "+8613912345678"}
TABLET = {"namespace": "device", "value": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}
FANS = [{"namespace": "openid", "scope": "wx1", "value": f"otAzGjrS4AYCmeJM1GhEOcHXXTA{n}"} for n in range(3)]


async def say(door: Door, *facts: tuple[str, int, list[dict[str, str]]]) -> None:
    items = [{"kind": kind, "tier": tier, "identifiers": ids} for kind, tier, ids in facts]
    answer = await door.ask("POST", "/v1/identity/evidence", json={"items": items})
    assert answer.status_code == 200, answer.text


async def suggested(door: Door, **query: str) -> list[dict[str, Any]]:
    answer = await door.ask("GET", "/v1/identity/suggestions", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def decide(door: Door, item: dict[str, Any], word: str, **body: Any) -> Any:
    return await door.ask("POST", f"/v1/identity/suggestions/{item['suggestion_id']}/{word}", json=body)


async def test_case_01_two_users_who_meet_in_a_phone_are_suggested_and_never_merged(door: Door) -> None:
    await say(door, ("login", 1, [U1, PHONE]), ("login", 1, [U2, PHONE]))
    [item] = await suggested(door)
    values = {item[side]["identifier"]["value"] for side in "ab"}
    assert (item["origin"], item["reason"], values) == ("refused_link", "limit:user_id", {"u-1", "u-2"})
    refused = await decide(door, item, "accept")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "limit")
    assert [one["state"] for one in await suggested(door)] == ["open"]
    await say(door, ("login", 1, [U1, PHONE]), ("login", 1, [U2, PHONE]))
    assert len(await suggested(door)) == 1
    await say(door, ("supersede", 0, [U1, U2]))
    assert await suggested(door) == []


async def test_two_fans_on_one_tablet_are_suggested_and_accepted_once(door: Door) -> None:
    await say(door, ("login", 1, [FANS[0], TABLET]), ("login", 1, [FANS[1], TABLET]))
    [item] = await suggested(door)
    assert item["reason"] == "leaf"
    dry = (await decide(door, item, "accept", dry_run=True)).json()
    assert (dry["dry_run"], len(dry["merged"])) == (True, 1)
    assert len(await suggested(door)) == 1
    done = await decide(door, item, "accept")
    assert [merge["person_id"] for merge in done.json()["merged"]] == [merge["person_id"] for merge in dry["merged"]]
    again = await decide(door, item, "accept")
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "accepted")
    assert await suggested(door) == []
    [kept] = await suggested(door, state="accepted")
    assert kept["a"]["person_id"] == kept["b"]["person_id"]
    [row] = await door.rows("select tier, kind, author from evidence where kind = 'must_link'")
    assert (row["tier"], row["author"]) == (0, "key:test")


async def test_a_refusal_is_remembered_for_the_persons_under_whatever_identifier(door: Door) -> None:
    await say(door, ("login", 1, [FANS[0], TABLET]), ("login", 1, [FANS[1], TABLET]))
    [item] = await suggested(door)
    assert (await decide(door, item, "refuse")).status_code == 200
    assert await suggested(door) == []
    # another identifier of one of the two, and another device: the same two persons
    await say(door, ("login", 1, [{**PHONE}, FANS[0]]))
    other = {**TABLET, "value": TABLET["value"].replace("3f25", "4f25")}
    await say(door, ("login", 1, [PHONE, other]), ("login", 1, [FANS[1], other]))
    assert len(await door.rows("select 1 from suggestion")) >= 1
    assert await suggested(door) == []


async def test_who_was_refused_for_good_stays_apart_from_whatever_comes(door: Door) -> None:
    await say(door, ("login", 1, [FANS[0], TABLET]), ("login", 1, [FANS[1], TABLET]))
    [item] = await suggested(door)
    assert (await decide(door, item, "refuse", keep_apart=True)).status_code == 200
    await say(door, ("login", 1, [FANS[0], PHONE]), ("login", 1, [FANS[1], PHONE]))
    people = {
        (await door.ask("GET", "/v1/identity/persons/by-identifier", params=fan)).json()["person_id"]
        for fan in FANS[:2]
    }
    assert len(people) == 2
    missing = {"suggestion_id": "00000000-0000-7000-8000-000000000000"}
    assert (await decide(door, missing, "refuse")).status_code == 404
