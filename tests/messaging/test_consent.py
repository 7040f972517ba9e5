"""What the person allows is asked at the moment of sending and holds for two seconds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from libs.common.ids import new_id
from services.messaging.clients.profile import ask_reach
from services.messaging.domain.channel import Capabilities
from services.messaging.jobs import forward_withdrawals, send_due_messages
from services.messaging.store.withdrawals import add_withdrawal
from services.messaging.usecases.claim_intents import claim_intents
from tests.messaging.stage import Stage


async def test_a_consent_withdrawn_a_moment_before_stops_the_message(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email")
    message = await stage.ask(1, "email")
    stage.neighbours.person(1).consent["email"] = "withdrawn"
    await send_due_messages.run(stage.app.runtime)
    shown = await stage.message(message)
    assert (shown["state"], shown["reason"]) == ("dropped", "consent")
    assert shown["values"] == {"state": "withdrawn", "by": "channel", "purpose": "marketing"}
    assert provider.taken == []


async def test_no_handoff_begins_on_an_answer_older_than_the_lease(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.app.runtime.parts.settings.__dict__["consent_lease_seconds"] = 0.15
    slow = iter([0.2] + [0.0] * 20)
    provider = stage.provider("push")
    real = provider.send

    async def send(batch: Any, may_begin: Any) -> Any:
        await asyncio.sleep(next(slow))
        return await real(batch, may_begin)

    provider.send = send  # type: ignore[method-assign]
    messages = [await stage.ask(person_no, "push") for person_no in (1, 2)]
    await send_due_messages.run(stage.app.runtime)
    assert provider.taken == []
    assert [(await stage.message(m))["state"] for m in messages] == ["queued", "queued"]
    stage.app.runtime.parts.settings.__dict__["consent_lease_seconds"] = 60.0
    stage.neighbours.person(2).consent["push"] = "withdrawn"
    await send_due_messages.run(stage.app.runtime)
    assert [o.person_no for o in provider.taken] == [1]
    assert (await stage.message(messages[1]))["reason"] == "consent"


async def test_an_unsubscription_between_claim_and_decision_stops_the_message(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    message = await stage.ask(1, "push")
    real = ask_reach

    async def answered_then_withdrawn(*arguments: Any) -> Any:
        answers = await real(*arguments)
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            await add_withdrawal(
                tx, 1, withdrawal_id=new_id(), person_no=1, purpose="marketing", channel="push", topic="",
                intent_id=message, now=stage.now,
            )  # fmt: skip
        return answers

    monkeypatch.setattr(send_due_messages, "ask_reach", answered_then_withdrawn)
    await send_due_messages.run(stage.app.runtime)
    assert provider.taken == []
    monkeypatch.setattr(send_due_messages, "ask_reach", real)
    await send_due_messages.run(stage.app.runtime)
    assert provider.taken == []
    assert (await stage.message(message))["reason"] == "consent"


async def test_the_lease_begins_before_the_unsubscriptions_are_read(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    stage.app.runtime.parts.settings.__dict__["consent_lease_seconds"] = 0.3
    provider = stage.provider("push")
    message = await stage.ask(1, "push")
    real = claim_intents

    async def slow(*arguments: Any, **options: Any) -> Any:
        works = await real(*arguments, **options)
        await asyncio.sleep(0.35)
        return works

    monkeypatch.setattr(send_due_messages, "claim_intents", slow)
    await send_due_messages.run(stage.app.runtime)
    assert provider.taken == []
    assert (await stage.message(message))["state"] == "queued"


async def test_while_profile_is_away_nothing_is_sent_and_what_expires_is_dropped(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    monkeypatch.setattr(send_due_messages, "AWAY_PAUSE_SECONDS", 0.0)
    provider = stage.provider("push")
    short = await stage.ask(1, "push", expires_at=(stage.now + timedelta(hours=1)).isoformat())
    long = await stage.ask(1, "push", expires_at=(stage.now + timedelta(hours=9)).isoformat())
    stage.neighbours.away = True
    await send_due_messages.run(stage.app.runtime)
    await send_due_messages.run(stage.app.runtime)
    assert await stage.states(short) == ["deferred"]
    assert (await stage.message(long))["reason"] == "profile_away"
    await stage.app.put_clock(stage.now + timedelta(hours=2), held=False)
    await send_due_messages.run(stage.app.runtime)
    assert (await stage.message(short))["reason"] == "expired"
    assert provider.taken == []
    stage.neighbours.away = False
    await send_due_messages.run(stage.app.runtime)
    assert (await stage.message(long))["state"] == "sent"


async def test_silence_allows_only_our_own_inbox_and_transactional_messages(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    stage.neighbours.person(1).consent.update(push="unknown", inbox="unknown")
    push, inbox = await stage.ask(1, "push"), await stage.ask(1, "inbox")
    receipt = await stage.ask(1, "push", **{"class": "transactional"})
    await send_due_messages.run(stage.app.runtime)
    assert [(await stage.message(m))["state"] for m in (push, inbox, receipt)] == ["dropped", "delivered", "sent"]
    stage.neighbours.person(1).consent.update(inbox="denied")
    refused = await stage.ask(1, "inbox")
    await send_due_messages.run(stage.app.runtime)
    assert (await stage.message(refused))["reason"] == "consent"


async def test_the_link_in_a_mail_unsubscribes_by_post_and_never_by_looking(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email", capabilities=Capabilities(tracks_links=True))
    message = await stage.ask(1, "email")
    await send_due_messages.run(stage.app.runtime)
    url = provider.taken[0].unsubscribe_url
    assert url in provider.taken[0].content["html"]
    path = url.partition("/v1/")[2]
    looked = await stage.client.get(f"/v1/{path}", headers={"authorization": "", "accept-language": "zh-CN"})
    assert looked.status_code == 200
    assert "退订" in looked.text
    again = await stage.ask(1, "email", key="again")
    stage.neighbours.away = True
    posted = await stage.client.post(
        f"/v1/{path}", content=b"List-Unsubscribe=One-Click", headers={"authorization": ""}
    )
    assert posted.status_code == 200
    await forward_withdrawals.run(stage.app.runtime)
    stage.neighbours.away = False
    await send_due_messages.run(stage.app.runtime)
    assert (await stage.message(again))["reason"] == "consent", "it holds here while profile does not have it"
    assert (await stage.message(message))["state"] == "unsubscribed"
    await asyncio.sleep(0)
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await tx.driver.execute("update withdrawal_queue set available_at = '-infinity'")
    assert await forward_withdrawals.run(stage.app.runtime) == 1
    [statement] = stage.neighbours.withdrawals
    assert (statement["state"], statement["channel"], statement["person_no"]) == ("withdrawn", "email", 1)
    assert [e.state for e in await stage.said()].count("unsubscribed") == 1


async def test_a_forged_or_foreign_link_is_not_found(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("email", capabilities=Capabilities(tracks_links=True))
    await stage.ask(1, "email")
    await send_due_messages.run(stage.app.runtime)
    token = provider.taken[0].unsubscribe_url.rsplit("/", 1)[1]
    for wrong in (token[:-4] + "AAAA", "x" * 40, token[:20], "%00" * 10):
        assert (await stage.client.post(f"/v1/messaging/u/{wrong}")).status_code in (404, 422)
    assert (await stage.client.get(f"/v1/messaging/c/{token}")).status_code == 404
    assert (await stage.client.get(f"/v1/messaging/o/{token}")).status_code == 200
