"""Two brands with the same people share a database, a bus and a pool of connections, and nothing else."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from demo.sink import MailSink
from libs.common.db import Database, Tx, statement
from tests.assurance.furnished import Furnished, a_furnished
from tests.assurance.test_every_route import seen_by
from tests.fixtures.apps import House, ServiceApp
from tests.fixtures.system import START, BrandOf

AT = START.isoformat()
SHARED = {"phone": "+8613800138000", "email": "one.inbox@mail.example", "name": "Same"}
REQUESTS = 1000
AT_ONCE = 40


async def a_customer(made: Furnished, city: str) -> dict[str, Any]:
    """Let the same user id, phone and e-mail buy here, in a city of this brand's own; return the person."""
    brand = made.brand
    await brand.send(
        {"type": "identify", "userId": "same", "messageId": "s-1", "timestamp": AT, "traits": {**SHARED, "city": city}},
        {"type": "track", "userId": "same", "messageId": "s-2", "timestamp": AT, "event": "Order Completed",
         "properties": {"shop": city}},
    )  # fmt: skip
    await brand.drain()
    person = await brand.get(
        "identity", "/v1/identity/persons/by-identifier", namespace="user_id", scope="main", value="same"
    )
    assert isinstance(person, dict)
    return person


@pytest.mark.timeout(900)
async def test_the_same_ids_in_two_brands_are_two_persons_all_the_way(a_brand: BrandOf, sink: MailSink) -> None:
    one, two = await asyncio.gather(a_furnished(a_brand, "apartoneaa"), a_furnished(a_brand, "aparttwobb"))
    before = sink.recipients[SHARED["email"]]
    persons = [await a_customer(made, city) for made, city in ((one, "Onetown"), (two, "Twotown"))]
    assert persons[0]["person_id"] != persons[1]["person_id"]
    assert sink.recipients[SHARED["email"]] == before + 2

    for made, person, own, other in ((one, persons[0], "Onetown", "Twotown"), (two, persons[1], "Twotown", "Onetown")):
        foreign = next(p["person_id"] for p in persons if p is not person)
        number = person["person_id"]
        seen = []
        for service, path in (
            ("identity", f"/v1/identity/persons/{number}"),
            ("identity", "/v1/identity/events"),
            ("identity", "/v1/identity/quarantine"),
            ("profile", f"/v1/profile/persons/{number}"),
            ("profile", f"/v1/profile/persons/{number}/timeline"),
            ("profile", f"/v1/profile/persons/{number}/export"),
            ("segment", f"/v1/segment/segments/{made.ids['segment_id']}/members"),
            ("segment", "/v1/segment/columnar/counts"),
            ("journey", f"/v1/journey/journeys/{made.ids['journey_id']}/runs"),
            ("messaging", "/v1/messaging/messages"),
        ):
            answer = await made.call("GET", service, path)
            assert answer.status_code == 200, (path, answer.text)
            seen.append(answer.text)
        text = "\n".join(seen)
        assert own in text
        assert other not in text
        assert foreign not in text
        members = await made.call("GET", "segment", f"/v1/segment/segments/{made.ids['segment_id']}/members")
        assert len(members.json()["items"]) == 2
        collected = (await made.call("GET", "segment", "/v1/segment/columnar/counts")).json()
        assert sum(day["events"] for day in collected if day["origin"] == "collected") == 5


async def test_what_one_brand_withdraws_changes_and_suppresses_stays_with_it(a_brand: BrandOf, sink: MailSink) -> None:
    one, two = await asyncio.gather(a_furnished(a_brand, "quietoneaa"), a_furnished(a_brand, "quiettwobb"))
    persons = [await a_customer(made, city) for made, city in ((one, "Onetown"), (two, "Twotown"))]
    other = await seen_by(two)
    for body in ({"person_id": persons[0]["person_id"], "channel": "email", "state": "withdrawn"},
                 {"identifier": {"namespace": "email", "value": SHARED["email"]}, "state": "denied"}):  # fmt: skip
        assert (await one.call("POST", "profile", "/v1/profile/consents", json=body)).status_code == 201
    await one.call("POST", "messaging", "/v1/messaging/suppressions", json={"address": SHARED["email"]})
    traits = {"traits": {"city": "Movedtown", "$unset": ["name"]}}
    patched = await one.call("PATCH", "profile", f"/v1/profile/persons/{persons[0]['person_id']}/traits", json=traits)
    assert patched.status_code == 200, patched.text
    await asyncio.gather(one.brand.drain(), two.brand.drain())
    assert await seen_by(two) == other

    sent = sink.recipients[SHARED["email"]]
    for made, person, expected in ((one, persons[0], sent), (two, persons[1], sent + 1)):
        body = {"person_id": person["person_id"], "channels": ["email"], "class": "marketing", "purpose": "marketing",
                "content": {"subject": "Hello", "text": "Again {{ unsubscribe_url }}"}}  # fmt: skip
        asked = await made.call("POST", "messaging", "/v1/messaging/messages", json=body)
        assert asked.status_code == 202, asked.text
        await made.brand.drain()
        assert sink.recipients[SHARED["email"]] == expected


async def test_a_bounce_reported_by_one_brand_touches_no_message_of_another(a_brand: BrandOf) -> None:
    one, two = await asyncio.gather(a_furnished(a_brand, "bounceonea"), a_furnished(a_brand, "bouncetwob"))
    path = f"/v1/messaging/messages/{one.ids['message_id']}"
    before = (await one.call("GET", "messaging", path)).json()
    report = (
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        f"Final-Recipient: rfc822; {one.canaries['email']}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{one.ids['message_id'].replace('-', '')}.email@mail.invalid>\r\n\r\nx\r\n--b--\r\n"
    )
    taken = await two.call("POST", "messaging", "/v1/messaging/callbacks/email", content=report.encode())
    assert (taken.status_code, taken.json()) == (200, {"new": 0})
    assert (await one.call("GET", "messaging", path)).json() == before


@pytest.mark.timeout(900)
async def test_a_thousand_interleaved_requests_over_one_pool_leak_nothing(a_brand: BrandOf) -> None:
    brands = await asyncio.gather(*(a_furnished(a_brand, f"pool{word}aaaa") for word in ("one", "two", "three")))
    people = [await a_customer(made, f"{number}-town") for number, made in enumerate(brands)]
    asks: list[tuple[int, str, str]] = []
    for number, made in enumerate(brands):
        for service, path in (
            ("identity", "/v1/identity/events"),
            ("identity", f"/v1/identity/persons/{people[number]['person_id']}"),
            ("profile", f"/v1/profile/persons/{people[number]['person_id']}"),
            ("profile", f"/v1/profile/persons/{made.ids['person_id']}/timeline"),
            ("segment", f"/v1/segment/segments/{made.ids['segment_id']}/members"),
            ("journey", f"/v1/journey/journeys/{made.ids['journey_id']}/runs"),
            ("messaging", "/v1/messaging/messages"),
        ):
            asks.append((number, service, path))
    expected = {ask: (await brands[ask[0]].call("GET", *ask[1:])).text for ask in asks}
    chosen = random.Random(7).choices(asks, k=REQUESTS)
    gate = asyncio.Semaphore(AT_ONCE)
    wrong: Counter[str] = Counter()

    async def once(ask: tuple[int, str, str]) -> None:
        async with gate:
            answer = await brands[ask[0]].call("GET", *ask[1:])
        if answer.status_code != 200 or answer.text != expected[ask]:
            wrong[f"{ask}: {answer.status_code}"] += 1

    await asyncio.gather(*(once(ask) for ask in chosen))
    assert wrong == Counter()


TABLES = """
select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
where n.nspname = :service and c.relrowsecurity and c.relkind in ('r', 'p') and not c.relispartition
"""


async def numbers_in(tx: Tx, table: str) -> set[int]:
    rows = await tx.fetch(statement(f"select distinct workspace_id from {table}"))
    return {row["workspace_id"] for row in rows}


@pytest.mark.parametrize("service", ["identity", "profile", "segment", "journey", "messaging"])
async def test_one_connection_serving_brand_after_brand_shows_each_its_own_rows_and_nobody_nothing(
    service: str, house: House
) -> None:
    app: ServiceApp = await house.start(service)
    single = await Database.open(app.database.url("app"), service=service, pool_size=1)
    async with app.database.worker.transaction((1, 2)) as tx:
        await tx.execute(
            statement(
                "insert into idempotency_key (workspace_id, route, key, body_hash)"
                " select w, 'r', 'k' || n, 'x' from generate_series(1, 2) w, generate_series(1, 5) n"
            )
        )
    try:
        async with single.transaction(()) as tx:
            tables = [row["name"] for row in await tx.fetch(statement(TABLES), service=service)]
            assert f"{service}.idempotency_key" in tables
            assert [table for table in tables if await numbers_in(tx, table)] == []

        async def look(number: int) -> None:
            async with single.transaction(number) as tx:
                for table in tables:
                    assert await numbers_in(tx, table) <= {number}
                assert await numbers_in(tx, f"{service}.idempotency_key") == {number}
                seen = await tx.execute(statement("update idempotency_key set answer = '1' where key = 'k1'"))
                assert seen == 1

        await asyncio.gather(*(look(1 + turn % 2) for turn in range(40)))
        with pytest.raises(Exception, match="row-level security"):
            async with single.transaction(1) as tx:
                await tx.execute(
                    statement(
                        "insert into idempotency_key (workspace_id, route, key, body_hash) values (2,'r','z','x')"
                    )
                )
    finally:
        await single.close()
