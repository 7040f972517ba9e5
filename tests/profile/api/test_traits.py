"""Writing traits, their rules, bulk questions, and input that does not fit."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from libs.common.bus import MemoryBus
from libs.common.http.pages import encode_cursor
from libs.common.ids import new_id
from tests.fixtures.apps import House, ServiceApp, a_house
from tests.fixtures.postgres import Templates
from tests.profile.saying import identify, owns, person_id, publish

HERE = f"/v1/profile/persons/{person_id(7)}"


async def who_knows_seven(house: House) -> ServiceApp:
    for owner in ("identity", "messaging", "journey"):
        await house.bus.ensure_stream(owner)
    app = await house.start("profile")
    sealer = app.runtime.sealer(1)
    await publish(
        house.bus,
        owns(7, 70, 1, sealer=sealer),
        identify(7, 70, minute=-60, traits={"tier": "gold", "score": 3}, sealer=sealer),
        identify(7, 70, minute=-50, traits={"tier": "silver", "score": 2}, sealer=sealer),
        identify(7, 70, minute=-40, traits={"score": "many"}, sealer=sealer),
    )
    await app.drain()
    return app


@pytest_asyncio.fixture
async def profile(house: House) -> ServiceApp:
    return await who_knows_seven(house)


@pytest_asyncio.fixture(scope="module")
async def refusing(templates: Templates) -> AsyncIterator[ServiceApp]:
    """One for all that is refused: it leaves nothing behind."""
    async with a_house(templates, MemoryBus()) as house:
        yield await who_knows_seven(house)


async def value(profile: ServiceApp, name: str) -> object:
    traits = (await profile.client.get(HERE)).json()["traits"]
    return traits[name]["value"] if name in traits else None


async def test_traits_are_written_as_facts_and_unset_explicitly(profile: ServiceApp):
    body = '{"traits": {"balance": 12345678901234567890.5, "tier": null, "email": "a@example.com"}}'
    answer = await profile.client.patch(HERE + "/traits", content=body)
    assert answer.json() == {"written": ["balance", "email"]}
    text = (await profile.client.get(HERE)).text
    assert "12345678901234567890.5" in text
    assert await value(profile, "tier") == "silver"
    await profile.client.patch(HERE + "/traits", json={"traits": {"$unset": ["tier"]}})
    assert await value(profile, "tier") is None


async def test_a_rule_that_changes_folds_everybody_again(profile: ServiceApp):
    put = await profile.client.put("/v1/profile/trait-rules/tier", json={"kind": "first"})
    assert put.json() == {"changed": True}
    assert (await profile.client.put("/v1/profile/trait-rules/tier", json={"kind": "first"})).json() == {
        "changed": False
    }
    await profile.client.put("/v1/profile/trait-rules/score", json={"kind": "max", "type": "number"})
    await profile.drain()
    assert await value(profile, "tier") == "gold"
    assert await value(profile, "score") == 3
    rules = (await profile.client.get("/v1/profile/trait-rules")).json()["items"]
    assert [(rule["trait"], rule["kind"]) for rule in rules] == [("score", "max"), ("tier", "first")]


async def test_a_type_conflict_is_reported(profile: ServiceApp):
    entries = {e["trait"]: e for e in (await profile.client.get("/v1/profile/traits")).json()["items"]}
    assert entries["score"]["types"] == ["number", "text"]
    assert entries["score"]["conflict"]
    assert (await profile.client.get(HERE)).json()["traits"]["score"]["conflicts"] == 2


async def test_many_persons_are_read_in_one_call(profile: ServiceApp):
    unknown = str(new_id())
    body = {
        "person_ids": [str(person_id(7)), unknown],
        "identifiers": [{"namespace": "user_id", "value": "user_id-70"}, {"namespace": "user_id", "value": "x"}],
        "traits": ["tier"],
    }
    found = (await profile.client.post("/v1/profile/persons/lookup", json=body)).json()
    assert [item["canonical_id"] for item in found["items"]] == [str(person_id(7))] * 2
    assert list(found["items"][0]["traits"]) == ["tier"]
    assert (found["missing_person_ids"], found["missing_identifiers"]) == ([unknown], [1])
    asked = {"person_nos": [7, 8], "names": ["tier"]}
    answer = await profile.client.post(
        "/v1/profile/questions/traits", json=asked, headers=profile.as_service("journey")
    )
    assert answer.json() == {"items": [{"person_no": 7, "traits": {"tier": "silver"}}, {"person_no": 8, "traits": {}}]}


async def test_who_may_not_read_personal_data_sees_masks(house: House, profile: ServiceApp):
    from libs.common.access.keys import key_hash, new_key
    from libs.common.access.model import ApiKey

    await profile.client.patch(HERE + "/traits", json={"traits": {"email": "anna@example.com", "first_name": "Anna"}})
    key = new_key("secret")
    profile.runtime.directory.put(
        ApiKey(key_id="k9", kind="secret", hash=key_hash(key), workspace_id=1, scopes=("profiles:read",))
    )
    headers = {"authorization": f"Bearer {key}"}
    text = (await profile.client.get(HERE, params={"lineage": True}, headers=headers)).text
    assert "anna" not in text.lower()
    assert '"a***@example.com"' in text
    assert "anna" not in (await profile.client.get(HERE + "/timeline", headers=headers)).text.lower()
    assert (await profile.client.get(HERE + "/export", headers=headers)).status_code == 403
    whole = (await profile.client.get(HERE + "/export")).json()
    assert {fact["trait"] for fact in whole["facts"]} == {"tier", "score", "email", "first_name"}


@pytest.mark.parametrize("written", ["+8613912340001", "139 1234 0001"])
async def test_case_13_a_number_that_is_anothers_is_taken_however_it_is_written_at_the_console(
    house: House, profile: ServiceApp, written: str
):
    sealer = profile.runtime.sealer(1)
    number = owns(8, 80, 1, namespace="phone", scope="", value="+8613912340001", sealer=sealer)
    await publish(house.bus, number)
    await profile.drain()
    await profile.client.patch(HERE + "/traits", json={"traits": {"mobile": written}})
    [point] = (await profile.client.get(HERE)).json()["contact_points"]
    assert (point["kind"], point["state"], point["preferred"]) == ("phone", "taken", False)


async def test_another_workspace_sees_nobody(house: House, profile: ServiceApp):
    other = profile.as_service("segment", 2)
    for path in (HERE, HERE + "/timeline", HERE + "/consents", HERE + "/export", f"/v1/profile/erasures/{new_id()}"):
        assert (await profile.client.get(path, headers=other)).status_code == 404, path
    patch = await profile.client.patch(HERE + "/traits", json={"traits": {"a": 1}}, headers=other)
    assert patch.status_code == 404
    consent = {"person_id": str(person_id(7)), "state": "granted"}
    assert (await profile.client.post("/v1/profile/consents", json=consent, headers=other)).status_code == 404
    asked = {"person_nos": [7], "names": ["tier"]}
    answer = await profile.client.post("/v1/profile/questions/traits", json=asked, headers=other)
    assert answer.json()["items"][0]["traits"] == {}


BAD: list[tuple[str, str, bytes]] = [
    ("PATCH", HERE + "/traits", b"{"),
    ("PATCH", HERE + "/traits", b"[" * 100_000),
    ("PATCH", HERE + "/traits", b"\xff\xfe"),
    ("PATCH", HERE + "/traits", b'{"traits": 5}'),
    ("PATCH", HERE + "/traits", b'{"traits": {"a": null}}'),
    ("PATCH", HERE + "/traits", b'{"traits": {"a": NaN}}'),
    ("PATCH", HERE + "/traits", b'{"traits": {"a": 1}, "at": "2999-01-01T00:00:00Z"}'),
    ("PATCH", HERE + "/traits", b'{"traits": {"a": 1}, "at": "0001-01-01T00:00:00+23:59"}'),
    ("GET", HERE + "/timeline?until=9999-12-31T23:59:59-23:59", b""),
    ("GET", HERE + "/timeline?cursor=" + encode_cursor("0001-01-01T00:00:00+23:59", new_id()), b""),
    ("PATCH", "/v1/profile/persons/nobody/traits", b"{}"),
    ("POST", "/v1/profile/consents", b'{"state": "granted"}'),
    ("POST", "/v1/profile/consents", b'{"state": "maybe", "person_id": "x"}'),
    ("POST", "/v1/profile/consents", b'{"items": []}'),
    ("POST", "/v1/profile/consents", b'{"state": "granted", "identifier": {"namespace": "a", "value": "\\u0000"}}'),
    ("PUT", "/v1/profile/consent-policy", b'{"opt_out": [{"purpose": "\\u0000"}]}'),
    ("PUT", "/v1/profile/trait-rules/a%00b", b'{"kind": "first"}'),
    ("PUT", "/v1/profile/trait-rules/a", b'{"kind": "newest"}'),
    ("POST", "/v1/profile/persons/lookup", b'{"person_ids": ["x"]}'),
    ("POST", "/v1/profile/questions/traits", b'{"person_nos": [99999999999], "names": []}'),
    ("GET", HERE + "/timeline?cursor=nonsense", b""),
    ("GET", HERE + "/timeline?since=yesterday", b""),
    ("GET", HERE + "/timeline?limit=0", b""),
    ("GET", HERE + "/timeline?source_id=99999999999", b""),
    ("GET", "/v1/profile/persons?namespace=a", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD)
async def test_input_that_does_not_fit_is_refused_in_words(refusing: ServiceApp, method, path, body):
    answer = await refusing.client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404, 422), answer.text
    assert msgspec.json.decode(answer.content)["detail"]


async def test_what_cannot_be_stored_as_it_came_does_no_harm(profile: ServiceApp):
    body = b'{"traits": {"a\\u0000b": "\\ud800x\\u0000", "n": 1e400, "big": ' + b"9" * 5000 + b"}}"
    answer = await profile.client.patch(HERE + "/traits", content=body)
    assert answer.status_code == 200, answer.text
    assert await value(profile, "n") == "1e400"
