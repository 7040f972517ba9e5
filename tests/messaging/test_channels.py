"""Every channel keeps the protocol; mail keeps its own rules besides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from libs.common.errors import Problem, Unavailable
from libs.common.personal import Sealer
from services.messaging.channels import ChannelContext
from services.messaging.channels.email_smtp import EmailSmtp
from services.messaging.channels.inbox import Inbox
from services.messaging.domain.channel import Accepted, Channel, NotBegun, Outgoing, Refused
from services.messaging.domain.message_id import message_id
from services.messaging.domain.policy import Sender
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.settings import MessagingSettings
from tests.conftest import DatabaseOf
from tests.fakes.smtp import FakeRelay, a_breaking_relay, a_relay
from tests.fixtures.apps import MASTER_KEY, SERVICE_SECRET

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def settings(**options: Any) -> MessagingSettings:
    return MessagingSettings(mode="test", master_key=MASTER_KEY, service_secret=SERVICE_SECRET, **options)


def outgoing(number: int = 1, **facts: Any) -> Outgoing:
    known: dict[str, Any] = {
        "workspace_id": 1,
        "intent_id": UUID(int=number),
        "message_id": message_id(UUID(int=number), "email", "rapport.example"),
        "person_no": number,
        "address": f"p{number}@example.org",
        "content": {"subject": "Hello 您好", "html": "<p>Hi</p>", "text": "Hi"},
        "at": NOW,
        "sender": Sender("news@rapport.example", "Rapport 新闻"),
        "unsubscribe_url": "https://rapport.example/u/1",
    }
    return Outgoing(**{**known, **facts})


def always() -> bool:
    return True


@pytest_asyncio.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    async with a_relay() as running:
        yield running


@pytest_asyncio.fixture(params=["email", "inbox"])
async def channel(request: Any, relay: FakeRelay, database_of: DatabaseOf) -> AsyncIterator[Channel]:
    if request.param == "email":
        opened: Channel = EmailSmtp(settings(smtp_port=relay.port))
    else:
        database = await database_of("messaging")
        opened = Inbox(ChannelContext(settings(), database.worker, lambda _workspace: Sealer({1: b"k" * 32})))
    yield opened
    await opened.close()


async def test_a_batch_is_answered_in_its_order(channel: Channel) -> None:
    batch = [outgoing(number) for number in range(1, 13)]
    assert [channel.validate(o) for o in batch] == [None] * 12
    assert await channel.send(batch, always) == [Accepted(o.message_id) for o in batch]


async def test_nothing_begins_once_the_permission_lapsed(channel: Channel, relay: FakeRelay) -> None:
    outcomes = await channel.send([outgoing(1), outgoing(2)], lambda: False)
    assert all(isinstance(outcome, NotBegun) for outcome in outcomes)
    assert relay.mails == []


async def test_an_empty_message_is_refused_before_it_is_sent(channel: Channel) -> None:
    refused = channel.validate(outgoing(content={"subject": "", "html": "", "text": ""}))
    assert refused is not None
    assert refused.error is CanonicalError.CONTENT


async def test_a_callback_that_makes_no_sense_changes_nothing(channel: Channel) -> None:
    with contextlib.suppress(Problem):
        assert channel.parse_callback({}, b"\x00nonsense") == []


async def test_a_mail_carries_the_one_click_header_and_its_own_id(relay: FakeRelay) -> None:
    channel = EmailSmtp(settings(smtp_port=relay.port))
    await channel.send([outgoing(1), outgoing(2, unsubscribe_url="")], always)
    by_person = {recipients[0]: (sender, mail) for sender, recipients, mail in relay.mails}
    sender, mail = by_person["p1@example.org"]
    assert sender == "news@rapport.example"
    assert mail["List-Unsubscribe"] == "<https://rapport.example/u/1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == message_id(UUID(int=1), "email", "rapport.example")
    assert mail["From"].addresses[0].display_name == "Rapport 新闻"
    assert mail["Subject"] == "Hello 您好"
    assert "List-Unsubscribe" not in by_person["p2@example.org"][1]
    await channel.close()


async def test_each_recipient_gets_his_own_answer(relay: FakeRelay) -> None:
    relay.refuse = {"p2@example.org": "550 5.1.1 no such user", "p3@example.org": "451 4.7.1 greylisted"}
    relay.at_data = {"p4@example.org": "554 5.7.1 spam", "p6@example.org": "421 4.3.2 going down"}
    channel = EmailSmtp(settings(smtp_port=relay.port, smtp_connections=2))
    outcomes = await channel.send([outgoing(number) for number in range(1, 9)], always)
    assert outcomes[1] == Refused(CanonicalError.ADDRESS_BAD, "550 5.1.1")
    assert outcomes[2] == Refused(CanonicalError.RATE_SHORT, "451 4.7.1")
    assert outcomes[3] == Refused(CanonicalError.CONTENT, "554 5.7.1")
    assert outcomes[5] == Refused(CanonicalError.RATE_SHORT, "421 4.3.2")
    assert sum(isinstance(o, Accepted) for o in outcomes) == 4
    assert len(relay.mails) == 4
    await channel.close()


async def test_connections_are_kept_and_made_again_when_the_relay_closed_them(relay: FakeRelay) -> None:
    channel = EmailSmtp(settings(smtp_port=relay.port, smtp_connections=2))
    for start in (1, 11):
        await channel.send([outgoing(start + number) for number in range(10)], always)
    assert relay.connections == 2
    for client in channel._idle:
        transport: Any = client.transport
        transport.close()
    await asyncio.sleep(0.05)
    assert await channel.send([outgoing(99)], always) == [Accepted(outgoing(99).message_id)]
    await channel.close()


@pytest.mark.parametrize(
    ("break_at", "error"),
    [
        ("MAIL", CanonicalError.RATE_SHORT),
        ("RCPT", CanonicalError.RATE_SHORT),
        ("BODY", CanonicalError.TIMEOUT_UNKNOWN),
    ],
)
async def test_a_broken_connection_is_unknown_only_once_the_body_may_have_left(
    break_at: str, error: CanonicalError
) -> None:
    async with a_breaking_relay(break_at) as breaking:
        channel = EmailSmtp(settings(smtp_port=breaking.port))
        [outcome] = await channel.send([outgoing(1)], always)
        assert isinstance(outcome, Refused)
        assert outcome.error is error
        await channel.close()


async def test_a_relay_that_is_not_there_is_tried_again_later() -> None:
    channel = EmailSmtp(settings(smtp_port=9, smtp_timeout_seconds=2))
    [outcome] = await channel.send([outgoing(1)], always)
    assert isinstance(outcome, Refused)
    assert outcome.error is CanonicalError.RATE_SHORT


async def test_the_relay_is_asked_what_it_has() -> None:
    async with a_breaking_relay() as relay:
        channel = EmailSmtp(settings(smtp_port=relay.port, smtp_lookup_url=relay.lookup_url))
        await channel.send([outgoing(1)], always)
        ids = [outgoing(number).message_id for number in range(1, 121)]
        assert await channel.poll(ids) == {ids[0]: "delivered", **dict.fromkeys(ids[1:], "absent")}
        assert relay.lookups == 3
        await channel.close()
    with pytest.raises(Unavailable):
        await channel.poll(["<x>"])


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"content": {"subject": "a\r\nBcc: x@example.org", "html": "x", "text": "x"}}, CanonicalError.CONTENT),
        ({"sender": Sender("news@rapport.example", "a\nb")}, CanonicalError.CONTENT),
        ({"sender": Sender("news@elsewhere.example")}, CanonicalError.CONFIG),
        ({"address": "p@example.org\r\nRCPT TO:<x@example.org>"}, CanonicalError.ADDRESS_BAD),
        ({"address": "not an address"}, CanonicalError.ADDRESS_BAD),
    ],
)
async def test_what_must_not_leave_is_refused(facts: dict[str, Any], error: CanonicalError) -> None:
    refused = EmailSmtp(settings()).validate(replace(outgoing(1), **facts))
    assert refused is not None
    assert refused.error is error


def test_neither_address_nor_content_shows_in_a_log() -> None:
    shown = repr(outgoing(1, address="secret@example.org", content={"subject": "private"}))
    assert "secret" not in shown
    assert "private" not in shown
