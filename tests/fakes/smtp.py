"""A mail relay that does as it is told (aiosmtpd for correctness), and one that breaks off in the middle."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class FakeRelay:
    """Keeps what it takes; `refuse` maps a recipient to the answer he gets, at RCPT or (`at_data`) after the body."""

    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    at_data: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    connections: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            if address in self.at_data:
                return self.at_data[address]
        mail = cast("EmailMessage", message_from_bytes(cast("bytes", envelope.content), policy=policy.default))
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), mail))
        return "250 taken"


@asynccontextmanager
async def a_relay() -> AsyncIterator[FakeRelay]:
    """Run a relay on loopback."""
    relay = FakeRelay()

    def connect() -> SMTP:
        relay.connections += 1
        return SMTP(relay, hostname="relay.test", enable_SMTPUTF8=False)

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()


@dataclass
class BreakingRelay:
    """Speaks SMTP by hand and hangs up at a chosen word; answers what it has by Message-ID."""

    port: int = 0
    break_at: str = ""
    keeps_before_breaking: bool = False
    taken: list[str] = field(default_factory=list)
    lookups: int = 0
    lookup_url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 breaking\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                verb = line[:4].upper().decode()
                if verb == "DATA" and self.break_at != "DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    if self.break_at != "BODY" or self.keeps_before_breaking:
                        self.taken.append(_message_id(body))
                    if self.break_at == "BODY":
                        break
                    writer.write(b"250 taken\r\n")
                elif verb == self.break_at:
                    break
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
        writer.close()

    async def look_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:

        self.lookups += 1
        request = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        asked = parse_qs(urlsplit(request[1].decode()).query).get("id", [])
        body = json.dumps({"messages": {name: name in self.taken for name in asked}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


def _message_id(body: bytes) -> str:
    found: Any = message_from_bytes(body[:-5], policy=policy.default)["Message-ID"]
    return str(found).strip()


@asynccontextmanager
async def a_breaking_relay(break_at: str = "") -> AsyncIterator[BreakingRelay]:
    """Run a relay that hangs up, with its look-up, on loopback."""
    relay = BreakingRelay(break_at=break_at)
    smtp = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    http = await asyncio.start_server(relay.look_up, "127.0.0.1", 0)
    relay.port = smtp.sockets[0].getsockname()[1]
    relay.lookup_url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}/"
    try:
        yield relay
    finally:
        smtp.close()
        http.close()
