"""Who asks many things at once goes on over the connections he has."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from libs.common.http.peers import MOST_CONNECTIONS, Peers
from libs.common.settings import ServiceSettings
from tests.fixtures.apps import MASTER_KEY, SERVICE_SECRET

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue"


class Server:
    """Answers once as many requests are there as come at once, and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.together = asyncio.Barrier(MOST_CONNECTIONS)
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await self.together.wait()
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield made
    listening.close()


async def test_no_connection_to_another_service_is_closed_for_being_one_too_many(server: Server) -> None:
    settings = ServiceSettings(identity_url=server.url, master_key=MASTER_KEY, service_secret=SERVICE_SECRET)
    peers = Peers("profile", settings)
    try:
        for _ in range(5):
            asks = (peers.get("identity", "/live", 1, bool) for _ in range(MOST_CONNECTIONS))
            assert await asyncio.wait_for(asyncio.gather(*asks), 60) == [True] * MOST_CONNECTIONS
    finally:
        await peers.close()
    assert server.connections == MOST_CONNECTIONS
