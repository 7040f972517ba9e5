"""From the bus to the 360 picture, in the running service."""

import pytest_asyncio

from tests.fixtures.apps import House, ServiceApp
from tests.profile.saying import erased, identify, merged, owns, person_id, progressed, publish, split


@pytest_asyncio.fixture
async def profile(running_profile: ServiceApp) -> ServiceApp:
    return running_profile


async def picture(profile: ServiceApp, person_no: int, **query: object) -> dict:
    answer = await profile.client.get(f"/v1/profile/persons/{person_id(person_no)}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def plain(view: dict) -> dict:
    """What a merge must not lose: without counters."""
    return {name: view[name] for name in ("traits", "contact_points", "consents", "timezone", "locale")}


async def test_traits_addresses_and_zone_are_known_and_numbers_stay_exact(house: House, profile: ServiceApp):
    sealer = profile.runtime.sealer(1)
    said = identify(
        7, 70, minute=1, traits={"tier": "gold", "points": 9007199254740993, "verified": True}, sealer=sealer,
        personal={"email": "Anna@Example.com"}, context={"timezone": "Asia/Shanghai", "locale": "zh-CN"},
        authenticated=True,
    )  # fmt: skip
    await publish(house.bus, owns(7, 70, sealer=sealer), said)
    await profile.drain()
    view = await picture(profile, 7, lineage=True)
    assert view["traits"]["tier"]["value"] == "gold"
    assert view["traits"]["points"]["value"] == 9007199254740993
    assert view["traits"]["email"] | {"lineage": None} == view["traits"]["email"] | {"lineage": None, "personal": True}
    assert [fact["event_id"] for fact in view["traits"]["tier"]["lineage"]] == [str(said.id)]
    assert [(p["address"], p["state"], p["preferred"]) for p in view["contact_points"]] == [
        ("anna@example.com", "verified", True)
    ]
    assert (view["timezone"], view["locale"]) == ("Asia/Shanghai", "zh-CN")
    found = await profile.client.get("/v1/profile/persons", params={"namespace": "user_id", "value": "user_id-70"})
    assert found.json()["canonical_id"] == str(person_id(7))


async def test_personal_values_lie_sealed_in_every_table_and_event(house: House, profile: ServiceApp):
    sealer = profile.runtime.sealer(1)
    await publish(
        house.bus,
        owns(7, 70, namespace="email", value="canary@example.com", sealer=sealer),
        identify(7, 70, personal={"email": "canary@example.com", "first_name": "Canary"}, sealer=sealer),
    )
    await profile.drain()
    async with profile.database.worker.transaction(1) as tx:
        for table in ("trait_fact", "trait_view", "contact_point", "timeline", "subject", "outbox_log"):
            rows = await tx.driver.fetch(f"select t::text as line from {table} t")
            assert rows or table == "outbox_log"
            for row in rows:
                assert "canary" not in row["line"].lower()
                assert b"canary".hex() not in row["line"].lower()
        payloads = await tx.driver.fetch("select payload from outbox_log")
        assert not any(b"canary" in payload["payload"].lower() for payload in payloads)


async def test_a_merge_and_its_undoing_restore_both_pictures_exactly(house: House, profile: ServiceApp):
    sealer = profile.runtime.sealer(1)
    await publish(
        house.bus,
        owns(7, 70, 1, sealer=sealer),
        owns(8, 80, 2, sealer=sealer),
        identify(7, 70, minute=1, traits={"tier": "gold", "only": "seven"}, sealer=sealer),
        identify(8, 80, minute=2, traits={"tier": "silver"}, personal={"email": "eight@example.com"}, sealer=sealer),
        progressed(8, "bounced", minute=3),
    )
    await profile.drain()
    before = [plain(await picture(profile, 7)), plain(await picture(profile, 8))]
    await publish(house.bus, merged(7, 8, 3), owns(7, 80, 3, sealer=sealer))
    await profile.drain()
    together = await picture(profile, 8)
    assert together["canonical_id"] == str(person_id(7))
    assert together["traits"]["tier"]["value"] == "silver"
    assert together["traits"]["only"]["value"] == "seven"
    assert [p["state"] for p in together["contact_points"]] == ["bounced"]
    timeline = (await profile.client.get(f"/v1/profile/persons/{person_id(7)}/timeline")).json()["items"]
    assert [entry["name"] for entry in timeline] == ["Message bounced", "$identify", "$identify"]
    await publish(house.bus, split(7, 8, 4), owns(8, 80, 4, sealer=sealer))
    await profile.drain()
    assert [plain(await picture(profile, 7)), plain(await picture(profile, 8))] == before


async def test_the_timeline_is_paged_and_filtered(house: House, profile: ServiceApp):
    sealer = profile.runtime.sealer(1)
    events = [identify(7, 70, minute=m, traits={"n": m}, sealer=sealer, source_id=1 + m % 2) for m in range(7)]
    await publish(house.bus, *events, progressed(7, "sent", minute=2.5))
    await profile.drain()
    path = f"/v1/profile/persons/{person_id(7)}/timeline"
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = (await profile.client.get(path, params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [entry["event_id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    odd = (await profile.client.get(path, params={"source_id": 2})).json()["items"]
    assert {entry["traits"]["n"] for entry in odd} == {1, 3, 5}
    late = await profile.client.get(path, params={"since": events[5].occurred_at.isoformat(), "name": "$identify"})
    assert len(late.json()["items"]) == 2
    assert (await profile.client.get("/v1/profile/counts")).json() == {"collected": 7, "own": 1}


async def test_an_erased_person_is_gone_for_good_and_leaves_a_receipt(house: House, profile: ServiceApp):
    sealer = profile.runtime.sealer(1)
    said = identify(7, 70, traits={"tier": "gold"}, personal={"email": "a@example.com"}, sealer=sealer)
    request = erased(7, (70,))
    await publish(house.bus, owns(7, 70, sealer=sealer), said, progressed(7, "sent"))
    await profile.drain()
    await publish(house.bus, request)
    await profile.drain()
    again = identify(7, 70, minute=5, traits={"tier": "back"}, sealer=sealer)
    await publish(house.bus, said, again, owns(7, 70, 9, sealer=sealer), progressed(7, "opened"))
    await profile.drain()
    assert (await profile.client.get(f"/v1/profile/persons/{person_id(7)}")).status_code == 410
    async with profile.database.worker.transaction(1) as tx:
        for table in ("trait_fact", "trait_view", "contact_point", "timeline", "consent_ledger", "ownership"):
            assert await tx.driver.fetchval(f"select count(*) from {table}") == 0, table
    receipt = await profile.client.get(f"/v1/profile/erasures/{request.erasure_id}")
    assert receipt.json()["counts"]["timeline"] == 2
