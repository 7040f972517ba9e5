"""What is read in several statements while somebody is erased: the answer is of before, or says that he is gone."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.identity.store import dormant_joins, history, holds, links, nodes, suggestions
from tests.fixtures.apps import House, ServiceApp
from tests.identity.erasure.test_a_person_is_forgotten import Json, person_of

PHONE = {"namespace": "phone", "scope": "", "value": "+8613912340001"}
HOTLINE = {"namespace": "phone", "scope": "", "value": "+8613912340002"}
STRAY = {"namespace": "jd_id", "scope": "", "value": "the-shop-itself"}
ANNA, BEN = ({"namespace": "user_id", "scope": "main", "value": name} for name in ("anna-canary-77", "ben-1002"))
CUSTOMERS = [{"namespace": "crm_id", "scope": f"branch-{one}", "value": f"customer-{one}"} for one in range(60)]


def fact(number: object, *identifiers: Json, time: str = "2026-02-01T08:00:00Z") -> Json:
    return {"id": f"fact-{number}", "kind": "login", "tier": 1, "time": time, "identifiers": list(identifiers)}


FACTS = [
    fact("a", ANNA, PHONE),
    fact("b", BEN, PHONE),
    *(fact(number, one, STRAY) for number, one in enumerate(CUSTOMERS[2:])),
    fact("c", CUSTOMERS[0], HOTLINE, time="2023-02-01T08:00:00Z"),
    fact("d", CUSTOMERS[1], HOTLINE),
]


@pytest.mark.parametrize(
    ("module", "function", "who", "asked"),
    [
        (suggestions, "list_rows", ANNA, ("GET", "/v1/identity/suggestions", None)),
        (holds, "list_rows", CUSTOMERS[5], ("GET", "/v1/identity/quarantined-links", None)),
        (holds, "list_causes", STRAY, ("GET", "/v1/identity/quarantined-links/causes", None)),
        (dormant_joins, "list_rows", HOTLINE, ("GET", "/v1/identity/at-risk-joins", None)),
        (links, "degrees", ANNA, ("GET", "/v1/identity/persons/{id}", None)),
        (history, "of_person", ANNA, ("GET", "/v1/identity/persons/{id}/history", None)),
        (nodes, "find", ANNA, ("GET", "/v1/identity/persons/by-identifier", ANNA)),
        (nodes, "find", ANNA, ("GET", "/v1/identity/identifiers/history", ANNA)),
        (nodes, "component_around", ANNA, ("POST", "/v1/identity/explain", {"a": ANNA, "b": BEN})),
        (nodes, "component_around", ANNA, ("POST", "/v1/identity/why-not", {"a": ANNA, "b": BEN})),
    ],
    ids=lambda value: value[1].removeprefix("/v1/identity/") if isinstance(value, tuple) else "",
)
async def test_an_answer_is_of_one_moment(
    house: House, monkeypatch: Any, module: Any, function: str, who: Json, asked: tuple[str, str, Json | None]
) -> None:
    app = await house.start("identity")
    answer = await app.client.post("/v1/identity/evidence", json={"items": FACTS})
    assert answer.status_code == 200, answer.text
    person = (await person_of(app, who))["person_id"]
    method, path, said = asked
    path = path.replace("{id}", person)
    named = {"params": said} if method == "GET" else {"json": said}
    before = await app.client.request(method, path, **named)
    erased = after_the_first(monkeypatch, app, module, function, person)
    answer = await app.client.request(method, path, **named)
    assert erased == [200]
    assert (answer.status_code, answer.json()) == (200, before.json())
    monkeypatch.undo()
    again = await app.client.request(method, path, **named)
    assert again.status_code in {200, 410} and again.json() != before.json()


def after_the_first(monkeypatch: Any, app: ServiceApp, module: Any, function: str, person: str) -> list[int]:
    """Have a person erased, committed, when a function of the store has read; return with which answers."""
    reading: Callable[..., Awaitable[Any]] = getattr(module, function)
    answers: list[int] = []

    async def read(*given: Any, **named: Any) -> Any:
        found = await reading(*given, **named)
        if not answers:
            answers.append(0)
            erased = await app.client.post(f"/v1/identity/persons/{person}/erase", json={})
            answers[0] = erased.status_code
        return found

    monkeypatch.setattr(module, function, read)
    return answers
