import json
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from launcher.nats import EmbeddedNats
from launcher.nats_permissions import SERVICES, durables_of, permissions_of
from launcher.trouble import Trouble
from libs.common.bus import NatsBus
from libs.common.bus.port import BusUnavailable, Outgoing, Refused


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    embedded = EmbeddedNats(tmp_path_factory.mktemp("nats"), durables={"profile": ["profile-on_event_recorded"]})
    with embedded:
        yield embedded


@asynccontextmanager
async def bus_of(server: EmbeddedNats, service: str, password: str | None = None) -> AsyncIterator[NatsBus]:
    secret = password or server.passwords[service]
    bus = await NatsBus.connect(server.url, service=service, user=service, password=secret)
    try:
        yield bus
    finally:
        await bus.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_owns_a_stream_and_proves_the_bus(server, service):
    async with bus_of(server, service) as bus:
        await bus.ensure_stream(service)
        await bus.ensure_stream(service)
        await bus.ready()
        state = await bus.stream_state(service)
        assert state.last_sequence >= 1
        assert await bus.consumers(service) is not None
        await bus.purge(service, state.last_sequence)


async def test_a_service_hears_another_by_its_own_consumer_and_cannot_speak_in_its_name(server):
    async with bus_of(server, "identity") as identity, bus_of(server, "profile") as profile:
        await identity.ensure_stream("identity")
        said = Outgoing(subject="identity.event.recorded.v1.3", payload=b"{}", headers={}, message_id="one")
        forged = Outgoing(subject="identity.event.recorded.v1.3", payload=b"{}", headers={}, message_id="two")
        await identity.publish([said])
        consumer = await profile.consumer("identity", "profile-on_event_recorded", "identity.event.recorded.v1")
        (delivery,) = await consumer.fetch(10, 5)
        assert delivery.payload == b"{}"
        await delivery.ack()
        (answer,) = await profile.publish([forged])
        assert isinstance(answer, Refused)
        assert "permissions violation" in answer.reason.lower()


async def test_a_service_cannot_take_anothers_consumer(server):
    async with bus_of(server, "identity") as identity, bus_of(server, "journey") as journey:
        await identity.ensure_stream("identity")
        with pytest.raises(BusUnavailable):
            await journey.consumer("identity", "profile-on_event_recorded", "identity.event.recorded.v1")


async def test_only_identity_writes_the_access_bucket_and_all_read_it(server):
    async with bus_of(server, "identity") as identity, bus_of(server, "messaging") as messaging:
        bucket = await identity.key_value("access")
        await bucket.put("workspace.1", b"here")
        seen = await messaging.key_value("access")
        assert await seen.get("workspace.1") == b"here"
        async for name, value in seen.watch():
            assert (name, value) == ("workspace.1", b"here")
            break
        with pytest.raises(BusUnavailable):
            await seen.put("workspace.1", b"forged")


async def test_a_wrong_password_stays_outside(server):
    bus = await NatsBus.connect(server.url, service="identity", user="identity", password="guess", wait_seconds=0.5)
    with pytest.raises(BusUnavailable):
        await bus.ready()
    await bus.close()


def test_durable_consumers_are_read_from_the_files_of_subscribers(tmp_path: Path):
    folder = tmp_path / "services" / "journey" / "subscribers"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "on_person_merged.py", "on_membership_entered.py"):
        (folder / name).touch()
    assert durables_of(tmp_path, "journey") == ["journey-on_membership_entered", "journey-on_person_merged"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_may_publish_to_everything_or_hear_others_inboxes(service):
    allowed = permissions_of(service, [f"{service}-on_something"])
    assert ">" not in allowed.publish
    assert all(subject.startswith((f"_INBOX_{service}.", "$JS.EVENT.ADVISORY.")) for subject in allowed.subscribe)
    others = [
        subject for other in SERVICES if other != service for subject in allowed.publish if subject.startswith(other)
    ]
    assert others == []


def test_the_configuration_is_secret_and_kept_on_loopback(server):
    assert stat.S_IMODE(server.config.stat().st_mode) == 0o600
    written = json.loads(server.config.read_text())
    assert written["listen"].startswith("127.0.0.1:")
    assert written["http"].startswith("127.0.0.1:")
    assert written["jetstream"]["sync_interval"] == "1s"


def test_passwords_are_kept_across_starts(server):
    assert EmbeddedNats(server.directory).passwords == server.passwords


def test_a_broken_configuration_is_one_clear_line(tmp_path, monkeypatch):
    embedded = EmbeddedNats(tmp_path)
    monkeypatch.setattr(embedded, "_configuration", lambda: {"listen": "nowhere:port"})
    with pytest.raises(Trouble, match="refuses its configuration"):
        embedded.prepare()


async def test_what_is_acknowledged_survives_a_kill(tmp_path):
    with EmbeddedNats(tmp_path) as embedded:
        async with bus_of(embedded, "identity") as bus:
            await bus.ensure_stream("identity")
            message = Outgoing(subject="identity.event.recorded.v1.3", payload=b"kept", headers={}, message_id="one")
            await bus.publish([message])
        embedded.stop(immediate=True)
        embedded.start()
        async with bus_of(embedded, "identity") as bus:
            assert (await bus.stream_state("identity")).last_sequence == 1
