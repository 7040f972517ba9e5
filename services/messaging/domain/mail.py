"""A mail as bytes: RFC 5322 headers, text and HTML; nothing of it may smuggle a header."""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"^[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,64}@([^\s<>@\x00-\x1f\x7f]{1,253})$")
_CRLF = "\r\n"


def has_control(text: str) -> bool:
    """Return whether a header value holds a line break or another control character."""
    return _CONTROL.search(text) is not None


def ascii_address(address: str) -> str | None:
    """Return a mail address fit for the envelope (its domain in IDNA), None when it is not one."""
    match = _ADDRESS.match(address)
    if match is None:
        return None
    local = address[: match.start(1) - 1]
    try:
        domain = match[1].encode("ascii" if match[1].isascii() else "idna").decode("ascii")
    except UnicodeError:
        return None
    if not local.isascii() or "." not in domain or ".." in domain or domain.startswith((".", "-")):
        return None
    return f"{local}@{domain}"


def is_aligned(address: str, domains: tuple[str, ...]) -> bool:
    """Return whether a sender belongs to one of the domains or below it (relaxed alignment, RFC 7489)."""
    clean = ascii_address(address)
    if clean is None:
        return False
    domain = clean.rpartition("@")[2].lower()
    return any(domain == allowed or domain.endswith(f".{allowed}") for allowed in domains)


def sender_header(name: str, address: str) -> str:
    """Return a From value; a name beyond ASCII is encoded (RFC 2047)."""
    return formataddr((name, address), charset="utf-8") if name else address


def mail_bytes(
    *, headers: Mapping[str, str], message_id: str, to: str, subject: str, text: str, page: str, at: datetime
) -> bytes:
    """Return the whole message; both bodies in base64, so that no content can end the transfer early."""
    boundary = f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"
    plain = subject.isascii() and len(subject) < 70
    said = subject if plain else Header(subject, "utf-8").encode(linesep=_CRLF)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += [
        f"To: {to}",
        f"Subject: {said}",
        f"Message-ID: {message_id}",
        f"Date: {format_datetime(at)}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
    ]
    for kind, body in (("plain", text), ("html", page)):
        lines += [
            f"--{boundary}",
            f"Content-Type: text/{kind}; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            base64.encodebytes(body.encode()).decode("ascii").rstrip("\n").replace("\n", _CRLF),
        ]
    lines += [f"--{boundary}--", ""]
    return _CRLF.join(lines).encode("utf-8")
