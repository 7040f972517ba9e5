"""Mail over SMTP: several kept connections, RFC 8058 headers, and no doubt hidden about what left."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiosmtplib
import httpx

from libs.common.errors import Unavailable
from libs.common.http.authorities import trusted_authorities
from services.messaging.channels import ChannelContext, ChannelDriver
from services.messaging.domain.bounce import read_bounce
from services.messaging.domain.channel import (
    Accepted,
    Capabilities,
    Found,
    MayBegin,
    NotBegun,
    Outcome,
    Outgoing,
    Receipt,
    Refused,
)
from services.messaging.domain.mail import ascii_address, has_control, is_aligned, mail_bytes, sender_header
from services.messaging.domain.provider_errors import CanonicalError, code_table
from services.messaging.settings import MessagingSettings

LOOKUP_SECONDS = 5.0
LOOKUP_BATCH = 50
_FOUND: dict[object, Found] = {True: "delivered", False: "absent"}
# What cannot have reached the mailbox: the body was never taken.
_BEFORE_BODY = (aiosmtplib.SMTPException, OSError, TimeoutError)


def refused(code: int, message: str) -> Refused:
    """Return a server's refusal in canonical words; the text itself may name the address and is not kept."""
    enhanced = message.split(" ", 1)[0] if message[:2] in {"4.", "5."} else ""
    canonical = code_table("smtp").canonical(*([enhanced] if enhanced else []), str(code))
    return Refused(canonical, f"{code} {enhanced}".strip())


class EmailSmtp:
    """One relay; the batch is spread over its connections."""

    name = "email"

    def __init__(self, settings: MessagingSettings) -> None:
        self.capabilities = Capabilities(batch_size=500, can_poll=bool(settings.smtp_lookup_url), tracks_links=True)
        self._settings = settings
        self._idle: list[aiosmtplib.SMTP] = []

    def validate(self, outgoing: Outgoing) -> Refused | None:
        """Refuse what must not leave: smuggled headers, a foreign sender, something that is no address."""
        subject, sender = outgoing.content.get("subject", ""), outgoing.sender
        if any(has_control(v) for v in (subject, sender.name, sender.reply_to, outgoing.unsubscribe_url)):
            return Refused(CanonicalError.CONTENT, "header with a line break")
        if not subject or not outgoing.content.get("html"):
            return Refused(CanonicalError.CONTENT, "no subject or no body")
        if not is_aligned(sender.address, self._settings.sending_domains):
            return Refused(CanonicalError.CONFIG, "the sender is not of this relay's domains")
        if ascii_address(outgoing.address) is None:
            return Refused(CanonicalError.ADDRESS_BAD, "not a mail address")
        return None

    async def send(self, batch: Sequence[Outgoing], may_begin: MayBegin) -> list[Outcome]:
        """Hand over each mail once; connections take from one common list."""
        outcomes: list[Outcome] = [NotBegun("no connection was free")] * len(batch)
        waiting = iter(enumerate(batch))

        async def work() -> None:
            client: aiosmtplib.SMTP | None = None
            try:
                for place, outgoing in waiting:
                    if not may_begin():
                        outcomes[place] = NotBegun("the consent answer is too old")
                        continue
                    client, outcomes[place] = await self._one(client, outgoing, may_begin)
            finally:
                if client is not None:
                    self._idle.append(client)

        await asyncio.gather(*(work() for _ in range(min(self._settings.smtp_connections, len(batch)))))
        return outcomes

    async def _one(
        self, client: aiosmtplib.SMTP | None, outgoing: Outgoing, may_begin: MayBegin
    ) -> tuple[aiosmtplib.SMTP | None, Outcome]:
        """Send one mail; return the connection if it can be used again."""
        handing_over = False
        try:
            async with asyncio.timeout(self._settings.smtp_timeout_seconds):
                client = client or await self._connect()
                await self._envelope(client, outgoing)
                if not may_begin():
                    await client.rset()
                    return client, NotBegun("the consent answer is too old")
                handing_over = True
                await client.data(_body(outgoing))
            return client, Accepted(outgoing.message_id)
        except aiosmtplib.SMTPResponseException as error:
            return await self._after_refusal(client, error)
        except _BEFORE_BODY as error:
            _drop(client)
            if handing_over:
                return None, Refused(CanonicalError.TIMEOUT_UNKNOWN, type(error).__name__)
            return None, Refused(CanonicalError.RATE_SHORT, f"connect: {type(error).__name__}")

    async def _envelope(self, client: aiosmtplib.SMTP, outgoing: Outgoing) -> None:
        sender = outgoing.sender.address
        try:
            await client.mail(sender)
        except aiosmtplib.SMTPServerDisconnected:
            # A kept connection the relay closed meanwhile: nothing was said on it yet.
            await client.connect()
            await client.mail(sender)
        await client.rcpt(ascii_address(outgoing.address) or "")

    async def _after_refusal(
        self, client: aiosmtplib.SMTP | None, error: aiosmtplib.SMTPResponseException
    ) -> tuple[aiosmtplib.SMTP | None, Outcome]:
        outcome = refused(error.code, error.message)
        if client is None or error.code == 421:
            _drop(client)
            return None, outcome
        try:
            await client.rset()
        except _BEFORE_BODY:
            _drop(client)
            return None, outcome
        return client, outcome

    async def _connect(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        s = self._settings
        credentials: dict[str, Any] = {}
        if s.smtp_user:
            credentials = {"username": s.smtp_user, "password": s.smtp_password.get_secret_value()}
        client = aiosmtplib.SMTP(
            hostname=s.smtp_host,
            port=s.smtp_port,
            timeout=s.smtp_timeout_seconds,
            use_tls=s.smtp_security == "tls",
            start_tls=s.smtp_security == "starttls",
            **credentials,
        )
        await client.connect()
        return client

    async def poll(self, message_ids: Sequence[str]) -> dict[str, Found]:
        """Ask the relay's look-up (`?id=<Message-ID>&id=…` -> `{"messages": {id: true|false}}`) what it has taken.

        Raises Unavailable when it does not answer.
        """
        found: dict[str, Found] = {}
        trusted = trusted_authorities()
        async with httpx.AsyncClient(timeout=LOOKUP_SECONDS, verify=trusted, trust_env=False) as client:
            for start in range(0, len(message_ids), LOOKUP_BATCH):
                part = message_ids[start : start + LOOKUP_BATCH]
                try:
                    answer = await client.get(self._settings.smtp_lookup_url, params={"id": list(part)})
                    taken = answer.raise_for_status().json()["messages"]
                    found.update({name: _FOUND.get(taken.get(name), "unknown") for name in part})
                except (httpx.HTTPError, KeyError, ValueError, AttributeError, TypeError) as error:
                    raise Unavailable(f"the relay's look-up does not answer: {type(error).__name__}") from error
        return found

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """Read a bounce or delivery report (RFC 3464)."""
        del headers
        return read_bounce(body)

    async def close(self) -> None:
        """Close every kept connection."""
        while self._idle:
            _drop(self._idle.pop())


def _body(outgoing: Outgoing) -> bytes:
    sender = outgoing.sender
    headers = {"From": sender_header(sender.name, sender.address)}
    if sender.reply_to:
        headers["Reply-To"] = sender.reply_to
    if outgoing.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return mail_bytes(
        headers=headers,
        message_id=outgoing.message_id,
        to=ascii_address(outgoing.address) or "",
        subject=outgoing.content["subject"],
        text=outgoing.content.get("text", ""),
        page=outgoing.content["html"],
        at=outgoing.at,
    )


def _drop(client: aiosmtplib.SMTP | None) -> None:
    if client is not None:
        client.close()


async def _open(context: ChannelContext) -> EmailSmtp:
    return EmailSmtp(context.settings)


driver = ChannelDriver(name="email", open=_open)
