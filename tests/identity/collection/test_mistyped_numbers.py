"""What is told of a number somebody mistyped: its owner keeps it, and the typo is none once the right one is proved."""

from typing import Any

from tests.identity.collection.conftest import Door
from tests.identity.collection.test_suggestions import say, suggested

ANNA, BOB = ({"namespace": "user_id", "scope": "main", "value": name} for name in ("anna", "bob"))
MISTYPED, RIGHT, SECOND = ({"namespace": "phone", "value": f"+861391234000{number}"} for number in (1, 2, 3))


async def refusal(door: Door) -> dict[str, Any]:
    """The one link that was refused between the two, with the numbers of its blockers."""
    answer = await door.ask("POST", "/v1/identity/why-not", json={"a": BOB, "b": MISTYPED})
    assert answer.status_code == 200, answer.text
    [link] = answer.json()["links"]
    return {"told": (link["state"], link["reason"]), "count": link["evidence_count"], "blockers": link["blockers"]}


async def stored_blockers(door: Door) -> set[str]:
    """What stands in the way of the corrected link, by kind and number."""
    [row] = await door.rows("select blocker_low, blocker_high from link where reason = 'corrected'")
    rows = await door.rows("select node_no, namespace from node")
    names = {one["node_no"]: f"{one['namespace']} {one['node_no']}" for one in rows}
    return {names[row["blocker_low"]], names[row["blocker_high"]]}


async def test_case_07_why_not_says_it_was_corrected_and_nobody_is_asked_whether_they_are_one(door: Door) -> None:
    await say(door, ("login", 1, [ANNA, MISTYPED]), ("bind", 2, [BOB, MISTYPED]))
    refused = await refusal(door)
    assert (refused["told"], refused["count"]) == (("suppressed", "limit:user_id"), 1)
    assert len(await suggested(door)) == 1

    await say(door, ("login", 1, [BOB, RIGHT]))
    corrected = await refusal(door)
    assert (corrected["told"], corrected["count"]) == (("retracted", "corrected"), 1)
    assert sorted(one["namespace"] for one in corrected["blockers"]) == ["phone", "user_id"]
    assert await suggested(door) == []

    await say(door, ("bind", 2, [BOB, MISTYPED]))
    again = await refusal(door)
    assert (again["told"], again["count"]) == (("suppressed", "limit:user_id"), 2)
    assert len(await suggested(door)) == 1


async def test_case_07_it_says_which_number_was_proved_last_also_when_that_is_only_said_again(door: Door) -> None:
    await say(door, ("login", 1, [ANNA, MISTYPED]), ("bind", 2, [BOB, MISTYPED]))
    await say(door, ("login", 1, [BOB, RIGHT]))
    first = await stored_blockers(door)
    await say(door, ("login", 1, [BOB, SECOND]))
    second = await stored_blockers(door)
    assert first != second
    await say(door, ("login", 1, [BOB, RIGHT]))
    assert await stored_blockers(door) == first
