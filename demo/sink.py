"""A local mail sink: takes every message over SMTP, delivers nothing, and answers what it has by Message-ID."""

import asyncio
import json
from collections import Counter
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

_READ_LIMIT = 16 * 1024 * 1024


class MailSink:
    """An SMTP server on loopback with a journal on disk, and an HTTP door that answers for Message-IDs.

    `GET /messages?id=<Message-ID>` answers `{"delivered": true|false}`; several `id` are allowed.
    """

    def __init__(self, journal: Path, smtp_port: int = 0, http_port: int = 0) -> None:
        self._journal_path = journal
        self._ports = (smtp_port, http_port)
        self.received: Counter[str] = Counter()
        self.recipients: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self.smtp_port = 0
        self.http_port = 0

    async def __aenter__(self) -> Self:
        self._journal_path.parent.mkdir(parents=True, exist_ok=True)
        if self._journal_path.exists():
            for line in self._journal_path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._count(entry["message_id"], entry["to"])
        self._journal = self._journal_path.open("a", encoding="utf-8")
        smtp = await asyncio.start_server(self._smtp, "127.0.0.1", self._ports[0], limit=_READ_LIMIT)
        http = await asyncio.start_server(self._http, "127.0.0.1", self._ports[1])
        self._servers = [smtp, http]
        self.smtp_port = smtp.sockets[0].getsockname()[1]
        self.http_port = http.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        self._journal.close()

    @property
    def messages(self) -> int:
        """Return how many different messages came."""
        return len(self.received)

    @property
    def doubled(self) -> int:
        """Return how many messages came more than once."""
        return sum(count > 1 for count in self.received.values())

    def _count(self, message_id: str, recipients: list[str]) -> None:
        self.received[message_id] += 1
        self.recipients.update(recipients)

    def _keep(self, raw: bytes, recipients: list[str]) -> None:
        message_id = str(message_from_bytes(raw, policy=SMTP).get("Message-ID", "")).strip()
        self._journal.write(json.dumps({"message_id": message_id, "to": recipients}) + "\n")
        self._journal.flush()
        self._count(message_id, recipients)

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 sink ESMTP\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    writer.write(b"250-sink\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n")
                elif verb == b"RCPT":
                    recipients.append(line.decode(errors="replace").partition("<")[2].partition(">")[0])
                    writer.write(b"250 ok\r\n")
                elif verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    self._keep(raw[:-5], recipients)
                    recipients = []
                    writer.write(b"250 kept\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    recipients = [] if verb == b"RSET" else recipients
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
            query = parse_qs(urlsplit(request[1].decode()).query)
            answer = {unquote(name): name in self.received for name in query.get("id", [])}
            first = all(answer.values()) and bool(answer)
            body = json.dumps({"delivered": first, "messages": answer}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, IndexError):
            pass
        finally:
            writer.close()
