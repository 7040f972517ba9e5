"""A gate decides once everything received before its time is applied where it asks."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from libs.common.access.model import Workspace
from services.messaging.jobs import send_due_messages
from tests.fixtures.apps import House
from tests.messaging.stage import Stage, a_stage


@pytest.fixture
async def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Messaging on the database's clock; identity's watermark stands still until the test moves it."""
    monkeypatch.setenv("MESSAGING_SMTP_PORT", "9")
    monkeypatch.setenv("MESSAGING_RENDER_PROCESSES", "1")
    monkeypatch.setenv("RAPPORT_ROLES", "api")
    house.records = [
        msgspec.structs.replace(record, driven_now=None) if isinstance(record, Workspace) else record
        for record in house.records
    ]
    return await a_stage(house)


def identity_stands_at(stage: Stage, marks: list[datetime]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"watermark": marks[-1].isoformat()})

    clients: dict[str, Any] = stage.app.runtime.peers._clients
    clients["identity"] = httpx.AsyncClient(base_url="http://identity.test", transport=httpx.MockTransport(answer))


async def rounds(stage: Stage, times: int) -> None:
    for _ in range(times):
        await send_due_messages.run(stage.app.runtime)
        await asyncio.sleep(0.06)


async def test_a_message_waits_for_what_identity_took_before_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_due_messages, "PATIENCE_SECONDS", 3600.0)
    provider = stage.provider("push")
    message = await stage.ask(1, "push")
    marks = [datetime(2020, 1, 1, tzinfo=UTC)]
    identity_stands_at(stage, marks)
    await rounds(stage, 3)
    assert provider.taken == []
    # the withdrawal that was on its way arrives; only then is the question asked that decides
    stage.neighbours.person(1).consent["push"] = "withdrawn"
    marks.append(stage.app.runtime.clock.now() + timedelta(minutes=1))
    await rounds(stage, 3)
    assert (await stage.message(message))["reason"] == "consent"
    assert provider.taken == []


async def test_a_message_waits_no_longer_than_the_patience(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_due_messages, "PATIENCE_SECONDS", 0.1)
    provider = stage.provider("push")
    await stage.ask(1, "push")
    identity_stands_at(stage, [datetime(2020, 1, 1, tzinfo=UTC)])
    await rounds(stage, 4)
    assert [outgoing.person_no for outgoing in provider.taken] == [1]
