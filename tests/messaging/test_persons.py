"""Merges add counts and send once; an erased person is nowhere; requests come by the bus, repeated."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from libs.common.bus.port import WORKSPACE_HEADER, Outgoing, Published
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.contracts.journey.message_requested import MessageRequested
from libs.common.ids import new_id
from libs.common.outbox.rows import group
from services.messaging.jobs import forward_withdrawals, send_due_messages
from services.messaging.subscribers import on_message_requested, on_person_erased, on_person_merged, on_person_split
from services.messaging.usecases import accept_intents, unsubscribe_person
from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import TEXT, Stage

JOURNEY = new_id()


async def with_template(stage: Stage) -> None:
    answer = await stage.client.put("/v1/messaging/templates/hello", json=TEXT)
    assert answer.status_code == 200, answer.text


def a_request(stage: Stage, person_no: int, key: str, **facts: Any) -> MessageRequested:
    stage.neighbours.person(person_no)
    known: dict[str, Any] = {
        "workspace_id": 1, "person_no": person_no, "received_at": stage.now, "occurred_at": stage.now,
        "idempotency_key": key, "journey_id": JOURNEY, "journey_version": 1, "run_id": new_id(), "node": "mail",
        "visit": 1, "person_id": person_id_of(person_no), "channels": ("email",), "template_id": None,
        "template_key": "hello", "context": msgspec.Raw(b'{"event": {"cart": 7}}'),
    }  # fmt: skip
    return MessageRequested(**{**known, **facts})


def an_erasure(stage: Stage, person_no: int) -> PersonErased:
    return PersonErased(
        workspace_id=1, person_no=person_no, person_id=person_id_of(person_no), received_at=stage.now,
        occurred_at=stage.now, subject_nos=(person_no,), erasure_id=new_id(), graph_version=3,
    )  # fmt: skip


def a_merge(stage: Stage, survivor: int, *absorbed: int, version: int = 1) -> PersonMerged:
    return PersonMerged(
        workspace_id=1, person_no=survivor, person_id=person_id_of(survivor), received_at=stage.now,
        occurred_at=stage.now, absorbed=tuple(Absorbed(n, person_id_of(n)) for n in absorbed), graph_version=version,
    )  # fmt: skip


async def rounds(stage: Stage) -> None:
    while await send_due_messages.run(stage.app.runtime):
        pass


async def settled(stage: Stage) -> None:
    """Go on until nothing is due: also what waits in real time for another's outcome."""
    assert send_due_messages.job.open is not None
    while await send_due_messages.job.open(stage.app.runtime, 1):
        await send_due_messages.run(stage.app.runtime)
        await asyncio.sleep(0.01)


async def listed(stage: Stage, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await stage.client.get("/v1/messaging/messages", params=query)).json()["items"]
    return items


async def test_a_request_heard_twice_is_one_message(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    provider = stage.provider("email")
    first = a_request(stage, 1, "run/mail/1")
    await stage.hear(on_message_requested.handle, first, a_request(stage, 1, "run/mail/1"))
    await stage.hear(on_message_requested.handle, a_request(stage, 1, "run/mail/1"), a_request(stage, 1, "run/mail/2"))
    await rounds(stage)
    assert len(provider.taken) == 2
    assert [e.state for e in await stage.said()] == ["sent", "sent"]
    told = (await stage.said())[0]
    assert (told.journey_id, told.node, told.visit, told.channel) == (JOURNEY, "mail", 1, "email")


async def test_case_24_a_merge_adds_the_counts_of_both(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 2, "window": {"calendar": "day"}}])
    for person_no in (1, 2):
        await stage.ask(person_no, "push")
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    third, late = await stage.ask(1, "push"), await stage.ask(2, "push")
    await rounds(stage)
    assert [(await stage.message(m))["reason"] for m in (third, late)] == ["cap", "cap"]
    assert len(provider.taken) == 2


async def test_case_24_a_merge_while_both_wait_sends_once_and_names_the_winner(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    provider = stage.provider("email")
    due_at = stage.now + timedelta(hours=1)
    await stage.hear(
        on_message_requested.handle,
        a_request(stage, 1, "one/mail/1", due_at=due_at),
        a_request(stage, 2, "two/mail/1", due_at=due_at),
        a_request(stage, 2, "two/other/1", node="other", due_at=due_at),
    )
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    await stage.app.put_clock(due_at, held=False)
    await settled(stage)
    assert sorted(o.person_no for o in provider.taken) == [1, 1]
    [dropped] = await listed(stage, state="dropped")
    assert (dropped["reason"], dropped["values"]["by"]) == ("duplicate", "merge")
    assert dropped["values"]["winner"] in {m["message_id"] for m in await listed(stage, state="sent")}


async def test_merges_in_any_order_lead_to_the_same_person(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 1, "window": {"calendar": "day"}}])
    await stage.ask(3, "push")
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=2))
    await stage.hear(on_person_merged.handle, a_merge(stage, 2, 3, version=1))
    for person_no in (1, 2, 3):
        message = await stage.ask(person_no, "push")
        await rounds(stage)
        assert (await stage.message(message))["reason"] == "cap"


async def test_case_25_a_person_split_off_is_himself_again(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    split = PersonSplit(
        workspace_id=1, person_no=1, person_id=person_id_of(1), received_at=stage.now, occurred_at=stage.now,
        parts=(Part(2, person_id_of(2), (5,), revived=True),), graph_version=2,
    )  # fmt: skip
    await stage.hear(on_person_split.handle, split)
    await stage.ask(2, "push")
    await rounds(stage)
    assert [o.person_no for o in provider.taken] == [2]


async def test_an_erased_person_is_nowhere_and_stays_away(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    stage.provider("email")
    sent = await stage.ask(1, "email")
    await rounds(stage)
    waiting = await stage.ask(1, "email", due_at=(stage.now + timedelta(hours=1)).isoformat())
    inbox = await stage.ask(1, "inbox")
    await rounds(stage)
    await stage.hear(on_person_erased.handle, an_erasure(stage, 1))
    for message in (sent, waiting, inbox):
        assert (await stage.client.get(f"/v1/messaging/messages/{message}")).status_code == 404
    await stage.hear(on_message_requested.handle, a_request(stage, 1, "after/mail/1"))
    await stage.app.put_clock(stage.now + timedelta(hours=2), held=False)
    await rounds(stage)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        for table in ("intent", "intent_queue", "handoff", "reservation", "step", "inbox_message", "receipt"):
            assert await tx.driver.fetchval(f"select count(*) from {table}") == 0, table
    listing = (await stage.client.get("/v1/messaging/suppressions")).json()["items"]
    assert [entry["reason"] for entry in listing] == ["erased"]
    stage.neighbours.person(2).addresses["email"] = "p1@email.example"
    other = await stage.ask(2, "email")
    await rounds(stage)
    assert (await stage.message(other))["reason"] == "suppressed"


async def test_one_address_shared_by_two_persons_gets_a_content_once(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email")
    for person_no in (1, 2):
        stage.neighbours.person(person_no).addresses["email"] = "family@example.org"
    messages = [await stage.ask(person_no, "email") for person_no in (1, 2)]
    await rounds(stage)
    assert len(provider.taken) == 1
    assert sorted([(await stage.message(m))["reason"] for m in messages]) == ["", "duplicate"]


async def test_the_bus_carries_a_request_to_a_sent_message_and_the_news_back(stage: Stage) -> None:
    await with_template(stage)
    provider = stage.provider("email")
    [row] = group([a_request(stage, 1, "bus/mail/1"), a_request(stage, 1, "bus/mail/2")])
    headers = {WORKSPACE_HEADER: "1"}
    message = Outgoing(f"{row.subject}.{row.pp}", row.payload, "request-1", headers)
    assert isinstance((await stage.bus.publish([message]))[0], Published)
    await stage.settle()
    assert len(provider.taken) == 2
    assert [e.state for e in await stage.said()] == ["sent", "sent"]
    assert (await stage.bus.stream_state("messaging")).last_sequence > 0


async def nobody_changed(*_arguments: Any) -> dict[int, Any]:
    """Stand for a reading made just before a merge or an erasure was committed."""
    return {}


async def test_what_was_accepted_while_its_person_was_merged_counts_for_the_survivor(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.policies(caps=[{"id": "d", "count": 1, "window": {"calendar": "day"}}])
    await stage.ask(1, "push")
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    monkeypatch.setattr(accept_intents, "standings", nobody_changed)
    late = await stage.ask(2, "push")
    await rounds(stage)
    assert (await stage.message(late))["reason"] == "cap"
    assert [o.person_no for o in provider.taken] == [1]


async def test_what_was_accepted_while_its_person_was_erased_is_forgotten(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.hear(on_person_erased.handle, an_erasure(stage, 1))
    monkeypatch.setattr(accept_intents, "standings", nobody_changed)
    late = await stage.ask(1, "push")
    await rounds(stage)
    assert provider.taken == []
    assert (await stage.client.get(f"/v1/messaging/messages/{late}")).status_code == 404


async def unsubscribed(stage: Stage) -> None:
    stage.provider("push")
    message = await stage.ask(1, "push")
    await rounds(stage)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        assert await unsubscribe_person.unsubscribe_person(
            tx, 1, message, "push", withdrawal_id=new_id(), now=stage.now
        )


async def open_ones(stage: Stage) -> int:
    assert forward_withdrawals.job.open is not None
    return await forward_withdrawals.job.open(stage.app.runtime, 1)


async def test_an_erasure_takes_the_unsubscription_on_its_way_with_it(idle_stage: Stage) -> None:
    stage = idle_stage
    await unsubscribed(stage)
    await stage.hear(on_person_erased.handle, an_erasure(stage, 1))
    assert await open_ones(stage) == 0


async def test_a_place_in_the_queue_without_its_unsubscription_is_given_up(idle_stage: Stage) -> None:
    stage = idle_stage
    await unsubscribed(stage)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await tx.driver.execute("delete from withdrawal")
    assert await forward_withdrawals.run(stage.app.runtime) == 0
    assert await open_ones(stage) == 0


@pytest.mark.parametrize(("status", "kept"), [(404, 0), (410, 0), (422, 1)])
async def test_an_unsubscription_that_profile_refuses_is_said_once(idle_stage: Stage, status: int, kept: int) -> None:
    stage = idle_stage
    await unsubscribed(stage)
    stage.neighbours.refuses_consents = status
    assert await forward_withdrawals.run(stage.app.runtime) == 1
    assert await open_ones(stage) == 0
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        assert await tx.driver.fetchval("select count(*) from withdrawal") == kept, "what nobody took still holds here"
