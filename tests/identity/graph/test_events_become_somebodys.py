"""From a posted event to what the other services hear, through the real app."""

import msgspec
import pytest

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import statement


async def heard(identity, contract) -> list:
    """Return every event of a contract in the outbox's log, in order."""
    async with identity.database.worker.transaction((1, 2)) as tx:
        rows = await tx.fetch(
            statement("select payload from outbox_log where subject = :subject order by log_id"),
            subject=contract.subject,
        )
    decoder = msgspec.json.Decoder(contract)
    return [decoder.decode(line) for row in rows for line in bytes(row["payload"]).splitlines() if line]


async def post(identity, house, kind: str, **body) -> None:
    answer = await identity.client.post(f"/v1/{kind}", json=body, auth=(house.write_key, ""))
    assert answer.status_code == 200, answer.text


async def test_an_anonymous_visitor_who_logs_in_stays_one_person(house):
    identity = await house.start("identity")
    await post(identity, house, "track", event="Page Seen", anonymousId="visitor-0001", messageId="m1")
    await identity.drain()
    await post(identity, house, "track", event="Logged In", anonymousId="visitor-0001", userId="anna-1", messageId="m2")
    await identity.drain()
    recorded = await heard(identity, EventRecorded)
    assert [one.name for one in recorded] == ["Page Seen", "Logged In"]
    assert recorded[0].person_id == recorded[1].person_id
    assert recorded[0].person_no == recorded[1].person_no > 0
    assert recorded[0].subject_no != recorded[1].subject_no
    assert recorded[1].authenticated
    assert len(await heard(identity, PersonCreated)) == 1
    assert {one.subject_no for one in await heard(identity, OwnershipChanged)} == set(recorded[1].identifier_nos)


async def test_two_known_people_who_meet_become_one_and_the_older_id_leads_to_the_survivor(house):
    identity = await house.start("identity")
    await post(identity, house, "track", event="Seen", anonymousId="visitor-0001", messageId="m1")
    await post(identity, house, "identify", userId="anna-1", traits={"email": "anna@shop.cn"}, messageId="m2")
    await identity.drain()
    before = {one.name: one for one in await heard(identity, EventRecorded)}
    await post(identity, house, "track", event="Met", anonymousId="visitor-0001", userId="anna-1", messageId="m3")
    await identity.drain()
    [merged] = await heard(identity, PersonMerged)
    assert merged.person_id == before["$identify"].person_id
    assert [one.person_id for one in merged.absorbed] == [before["Seen"].person_id]
    met = (await heard(identity, EventRecorded))[-1]
    assert met.person_id == merged.person_id
    answer = await identity.client.get(f"/v1/identity/persons/{before['Seen'].person_id}")
    assert answer.status_code == 200
    assert answer.json()["canonical_id"] == str(merged.person_id)


async def test_an_event_taken_twice_changes_nothing(house):
    identity = await house.start("identity")
    for _ in range(3):
        await post(identity, house, "track", event="Bought", userId="anna-1", messageId="m1")
        await identity.drain()
    assert len(await heard(identity, EventRecorded)) == 1
    assert len(await heard(identity, OwnershipChanged)) == 1


@pytest.mark.parametrize("phone", ["00000000", "13800138000", "138****8000"])
async def test_case_06_a_filler_phone_names_nobody(house, phone):
    identity = await house.start("identity")
    await post(identity, house, "identify", userId="f1", traits={"phone": phone}, messageId="m1")
    await post(identity, house, "identify", userId="f2", traits={"phone": phone}, messageId="m2")
    await identity.drain()
    recorded = await heard(identity, EventRecorded)
    assert len({one.person_no for one in recorded}) == 2
    assert all(len(one.identifier_nos) == 1 for one in recorded)


async def test_an_event_that_cannot_be_read_is_set_aside_and_blocks_nobody(house):
    identity = await house.start("identity")
    for number in range(3):
        await post(identity, house, "track", event="Bought", userId=f"buyer-{number}", messageId=f"m{number}")
    await identity.drain()
    async with identity.database.worker.transaction(1) as tx:
        spoiled = await tx.fetch_value(
            statement("update event_log set payload = 'x' where message_id = 'm1' returning event_id")
        )
        await tx.execute(
            statement(
                "insert into ingest_queue (workspace_id, event_id, received_at)"
                " select workspace_id, event_id, received_at from event_log order by message_id"
            )
        )
    await identity.drain()
    async with identity.database.worker.transaction(1) as tx:
        [dead] = await tx.fetch(statement("select event_id, reason from dead_letter"))
    assert dead["event_id"] == spoiled
    assert "SealBroken" in dead["reason"]
