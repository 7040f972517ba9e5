"""Whom calls out trust is read once a process, not once a client."""

import ssl
from typing import Any

import pytest

from libs.common.http.peers import Peers
from libs.common.settings import ServiceSettings
from services.identity.clients.wechat import WeChat
from tests.fixtures.apps import MASTER_KEY, SERVICE_SECRET


async def test_the_clients_of_a_process_read_the_authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    right = ssl.create_default_context

    def create(*places: Any, **more: Any) -> ssl.SSLContext:
        read.append((places, more))
        return right(*places, **more)

    monkeypatch.setattr(ssl, "create_default_context", create)
    peers = Peers("journey", ServiceSettings(master_key=MASTER_KEY, service_secret=SERVICE_SECRET))
    wechats = [WeChat("https://wechat.test", "https://wecom.test") for _ in range(2)]
    assert peers._client("profile") is not peers._client("segment")
    assert len(read) <= 1
    for client in (*wechats, peers):
        await client.close()
