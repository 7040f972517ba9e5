"""Case 7 from the collector to the message: a number mistyped is its owner's alone, also once that is known."""

from typing import Any

from tests.identity.cases.test_a_recycled_number import Line, line

__all__ = ["line"]
OWNED, RIGHT = "+8613912340001", "+8613912340002"


async def prove(line: Line, user: str, phone: str) -> None:
    """Somebody proves a number by a code that was sent there."""
    named = [{"namespace": "user_id", "scope": "main", "value": user}, {"namespace": "phone", "value": phone}]
    await line.call("identity", "POST", "evidence", {"items": [{"kind": "login", "tier": 1, "identifiers": named}]})
    await line.drain()


async def write(line: Line, *person_ids: str) -> list[str]:
    """Write to persons; return where it went."""
    line.mail.taken.clear()
    for person_id in person_ids:
        message: dict[str, Any] = {"person_id": person_id, "channels": ["sms"], "class": "marketing"}
        await line.call("messaging", "POST", "messages", {**message, "content": {"text": "Hello"}})
    await line.drain()
    return sorted(one.address for one in line.mail.taken)


async def test_case_07_whoever_mistyped_a_number_is_reached_at_the_one_he_proves_and_never_at_the_other(
    line: Line,
) -> None:
    await prove(line, "anna", OWNED)
    await line.give("anna", 0, OWNED)
    await line.give("bob", 1, OWNED)
    anna, bob = [(await line.person(user))["person_id"] for user in ("anna", "bob")]
    assert anna != bob
    assert await line.states(bob) == [(OWNED, "taken", False)]
    assert await write(line, anna, bob) == [OWNED]

    await prove(line, "bob", RIGHT)
    await line.give("bob", 2, RIGHT)
    assert await line.states(anna) == [(OWNED, "declared", True)]
    assert set(await line.states(bob)) == {(OWNED, "taken", False), (RIGHT, "declared", True)}
    assert await write(line, anna, bob) == [OWNED, RIGHT]
    named = {"namespace": "user_id", "scope": "main", "value": "bob"}, {"namespace": "phone", "value": OWNED}
    [link] = (await line.call("identity", "POST", "why-not", dict(zip("ab", named, strict=True))))["links"]
    assert (link["state"], link["reason"]) == ("retracted", "corrected")
